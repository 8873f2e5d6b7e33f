"""Where the work of clean is done: in its own process, or on the machines of a Ray cluster. The same bytes either way.

An engine is opened with a folder for what has to be put aside, the rules of clean and the Jaccard similarity at which
leakage is measured, and asked in this order:

scrub(blocks)                      → for each block of raw rows what rows.scrub says of it
repeats(rating)                    → for each row without a reason yet: the one that other rows give, or null
sort_out(reason, kept, rejected)   → the split of each row that stays; both tables are put aside
leaks(kept, split)                 → test rows that training rows give away
"""

from types import ModuleType


def engine(name: str) -> ModuleType:
    """The engine `name` ("local", "ray"): Ray is imported by whoever asks for it and by nobody else."""
    if name == "ray":
        from stages.engines import cluster

        return cluster
    from stages.engines import local

    return local
