"""What makes two runs give the same numbers: seeds, threads, kernels; and the device they run on."""

import os
import resource

import torch
from transformers import set_seed
from transformers.utils import logging

from stages.params import Numerics


def settle(numerics: Numerics, seed: int) -> None:
    """Fix the seed, the threads and the kernels before any tensor is made.

    On a GPU cuBLAS needs its workspace named before the first call (pytorch.org/docs, Reproducibility).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    torch.set_num_threads(numerics.threads)
    torch.set_float32_matmul_precision(numerics.matmul)
    torch.use_deterministic_algorithms(True, warn_only=True)
    set_seed(seed)
    logging.set_verbosity_error()
    logging.disable_progress_bar()  # of loading and saving; training keeps its own


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype() -> str:
    """bfloat16 autocast on a GPU that has it, float32 elsewhere."""
    return "bfloat16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"


def device_name() -> str:
    """What it ran on, for a time it took to mean something."""
    return torch.cuda.get_device_name() if device().type == "cuda" else f"cpu, {torch.get_num_threads()} threads"


def peak_memory() -> dict:
    """The most memory this process has held so far, MiB: of the machine, and of the GPU where it ran on one."""
    gpu = round(torch.cuda.max_memory_allocated() / 2**20, 1) if device().type == "cuda" else None
    return {"peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1), "peak_gpu_mib": gpu}
