"""The linear algebra under NumPy, SciPy and scikit-learn: how many threads it takes, and whose kernels.

Both decide the order in which sums are made, so the last digits of a fitted judge or ridge.
"""

import os

from threadpoolctl import threadpool_info, threadpool_limits

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def bind(threads: int) -> None:
    """Hold each library that is loaded to so many threads, and through the environment each that will be.

    SciPy brings an OpenBLAS of its own, loaded at its first import (threadpoolctl; OpenBLAS, Runtime variables).
    """
    os.environ |= dict.fromkeys(THREADS, str(threads))
    threadpool_limits(threads)


def kernels() -> list[str]:
    """What multiplies matrices here, as "openblas 0.3.30 Haswell"."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return sorted({" ".join(str(one[key]) for key in ("internal_api", "version", "architecture") if one.get(key))
                   for one in blas})  # fmt: skip
