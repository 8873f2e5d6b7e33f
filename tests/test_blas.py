"""Fitted judges and ridges are the same whatever number of threads BLAS was started with."""

import json
import os
import subprocess
import sys
from pathlib import Path

from stages import blas

FIT = """
import hashlib, json, sys
from stages import blas
if "bound" in sys.argv:
    blas.bind(1)
import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info
draw = np.random.default_rng(0)
fitted = LogisticRegression(max_iter=20).fit(draw.normal(size=(4000, 384)), draw.integers(0, 5, 4000))
threads = sorted({library["num_threads"] for library in threadpool_info()})
print(json.dumps({"weights": hashlib.sha256(fitted.coef_.tobytes()).hexdigest(), "threads": threads}))
"""


def fit(threads: int, *words: str) -> dict:
    environment = (
        os.environ | dict.fromkeys(blas.THREADS, str(threads)) | {"PYTHONPATH": str(Path(__file__).parents[1])}
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIT, *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_bound_to_one_thread_it_fits_as_one_thread_does_whatever_it_was_started_with():
    assert fit(2, "bound") == fit(1) == fit(1, "bound")


def test_the_kernels_are_named():
    import numpy  # noqa: F401 it brings a BLAS

    assert any(name.split()[0] in ("openblas", "mkl", "blis", "accelerate") for name in blas.kernels())
