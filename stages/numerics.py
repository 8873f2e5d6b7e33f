"""What makes two runs give the same numbers: seeds, threads, kernels; and the device they run on."""

import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from torch.utils import deterministic
from transformers import set_seed
from transformers.utils import logging

from stages import blas
from stages.params import Numerics
from stages.refusal import Refusal

# What the portable profile needs in the environment before torch and NumPy are loaded: every library held to the
# kernels of AVX2, and MKL to those whose sums come in one order on every CPU (Intel oneMKL, Conditional Numerical
# Reproducibility; oneDNN, CPU Dispatcher Control; NumPy, CPU/SIMD Optimizations; OpenBLAS, OPENBLAS_CORETYPE).
PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OMP_DYNAMIC": "FALSE",
    "MKL_DYNAMIC": "FALSE",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",
}

BFLOAT16 = {"avx512_bf16", "amx_bf16"}  # flags of a CPU that has products in it


def settle(numerics: Numerics, seed: int) -> None:
    """Fix the seed, the threads and the kernels before any tensor is made.

    On a GPU cuBLAS needs its workspace named before the first call (pytorch.org/docs, Reproducibility). The portable
    profile may start the stage anew, so this comes first in it.
    """
    if numerics.profile == "portable":
        _confine(numerics)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    blas.bind(numerics.threads)
    torch.set_num_threads(numerics.threads)
    torch.set_float32_matmul_precision(numerics.matmul)
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # else each new tensor is written twice; none is read before it is
    set_seed(seed)
    logging.set_verbosity_error()
    logging.disable_progress_bar()  # of loading and saving; training keeps its own


def stated(numerics: Numerics) -> dict:
    """What decides about the last bits beside code, settings and rows, for a report: kernels, threads, versions."""
    return numerics.model_dump() | {
        "dtype": dtype(numerics.dtype),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "vendor": _cpu("vendor_id") or "unknown",
        "machine": platform.machine(),
        "blas": blas.kernels(),
        "hash_seed": os.environ.get("PYTHONHASHSEED"),
        "versions": {"python": platform.python_version()}
        | {name: version(name).partition("+")[0] for name in ("numpy", "torch", "transformers")},
    }


def _confine(numerics: Numerics) -> None:
    """Start this stage once more under PORTABLE, for libraries choose their kernels while they are loaded."""
    wanted = PORTABLE | dict.fromkeys(blas.THREADS, str(numerics.threads))
    found = {name: text for name, text in wanted.items() if os.environ.get(name) != text}
    if found:
        where, spec = "params.yaml: numerics.profile", sys.modules["__main__"].__spec__
        if not _avx2():
            do = "write native, or run it on another machine"
            raise Refusal("an x86-64 CPU with AVX2", f"{platform.machine()} without it", where, do)
        if spec is None or not spec.name.startswith("stages."):  # not ours to start again
            told = " ".join(f"{name}='{text}'" for name, text in found.items())
            raise Refusal("the portable environment from the start", "another one", where, f"set {told}")
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, os.environ | found)


def _avx2() -> bool:
    """Whether this CPU has AVX2, whatever torch was told to use of it."""
    flags = _cpu("flags")
    return "avx2" in flags.split() if flags else torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def _cpu(key: str) -> str:
    """What Linux tells of the CPU under `key`; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


def keep_few_kernels() -> None:
    """Have products in their newest 64 shapes alone keep what was made for them, where nobody said another number.

    oneDNN, and torch's binding of it, keep 1,024 with their memory, and a training has hundreds: one held 3.1 GiB so,
    2.0 with few, its steps as quick. Writing asks for each shape again and again, and would be slower. Both look at
    the environment when the first product is taken.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, "64")


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype(asked: str = "auto") -> str:
    """What training's products are taken in: auto is bfloat16 where the machine multiplies in it, else float32.

    That is a GPU that has it, or a CPU whose flags name it (avx512_bf16, amx_bf16). Where torch is held to AVX2, as by
    the portable profile, there is none: what is computed by other means is slower than float32.
    """
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    held = torch.backends.cpu.get_cpu_capability() != "AVX512"
    return "float32" if held or not BFLOAT16 & set(_cpu("flags").split()) else "bfloat16"


def device_name() -> str:
    """What it ran on, for a time it took to mean something."""
    return torch.cuda.get_device_name() if device().type == "cuda" else f"cpu, {torch.get_num_threads()} threads"


def peak_memory() -> dict:
    """The most memory this process has held so far, MiB: of the machine, and of the GPU where it ran on one."""
    gpu = round(torch.cuda.max_memory_allocated() / 2**20, 1) if device().type == "cuda" else None
    return {"peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1), "peak_gpu_mib": gpu}
