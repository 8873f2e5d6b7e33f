"""Where clean and enrich do their work: in their own process, or on a Ray cluster. The same bytes either way.

For clean an engine is a class, opened with a folder for what has to be put aside, the rules and the Jaccard similarity
at which leakage is measured, and asked in this order:

scrub(blocks)                      → for each block of raw rows what rows.scrub says of it
repeats(rating)                    → for each row without a reason yet: the one that other rows give, or null
sort_out(reason, kept, rejected)   → the split of each row that stays; both tables are put aside
leaks(kept, split)                 → test rows that training rows give away

For enrich it is a function: keywords.stream. Ray is imported by whoever asks for it and by nobody else.
"""
