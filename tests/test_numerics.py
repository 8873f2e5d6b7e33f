"""The portable profile: which kernels it leaves, that a stage comes to it by itself, and that others keep theirs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_mill import RECIPES, settings, train_words

from stages import blas, numerics
from stages.params import Numerics
from stages.refusal import Refusal

ROOT = Path(__file__).parents[1]
PORTABLE = Numerics(threads=1, matmul="highest", profile="portable")
needs_avx2 = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="the portable profile is of AVX2"
)


def python(*words: str, **changes: str) -> subprocess.CompletedProcess:
    kept = {name: text for name, text in os.environ.items() if name not in (*numerics.PORTABLE, *blas.THREADS)}
    environment = kept | {"PYTHONPATH": str(ROOT)} | changes
    return subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, timeout=600)


def test_native_is_what_is_meant_where_nothing_is_said():
    assert Numerics(threads=1, matmul="highest").profile == "native"


@pytest.mark.parametrize(
    ("flags", "capability", "found"),
    [
        ("avx2 avx512f avx512_bf16", "AVX512", "bfloat16"),
        ("avx512f amx_bf16", "AVX512", "bfloat16"),
        ("avx2 avx512f", "AVX512", "float32"),
        ("avx2 avx512f avx512_bf16", "AVX2", "float32"),  # held to less than the CPU has
        ("", "DEFAULT", "float32"),
    ],
)
def test_products_are_in_bfloat16_where_the_cpu_has_them(flags, capability, found, monkeypatch):
    monkeypatch.setattr(numerics, "_cpu", {"flags": flags}.get)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert numerics.dtype() == numerics.stated(Numerics(threads=1, matmul="highest"))["dtype"] == found
    assert numerics.dtype("float32") == "float32" and numerics.dtype("bfloat16") == "bfloat16"


@needs_avx2
def test_outside_of_a_stage_it_is_refused_with_what_to_set(monkeypatch):
    monkeypatch.delenv("MKL_CBWR", raising=False)
    with pytest.raises(Refusal, match=r"set .*MKL_CBWR='COMPATIBLE'") as refused:
        numerics.settle(PORTABLE, 1)
    assert refused.value.where == "params.yaml: numerics.profile"


def test_a_cpu_without_avx2_is_refused(monkeypatch):
    monkeypatch.delenv("MKL_CBWR", raising=False)
    monkeypatch.setattr(numerics, "_cpu", {"flags": "sse4_2 avx"}.get)
    with pytest.raises(Refusal, match="an x86-64 CPU with AVX2"):
        numerics.settle(PORTABLE, 1)


@needs_avx2
def test_under_its_environment_torch_and_numpy_are_held_to_avx2():
    code = (
        "import json, sys; from stages import numerics; from stages.params import Numerics;"
        "given = Numerics(threads=1, matmul='highest', profile='portable'); numerics.settle(given, 1);"
        "from numpy._core._multiarray_umath import __cpu_features__ as features;"
        "print(json.dumps(numerics.stated(given) | {'avx512': features['AVX512_SKX'] and features['X86_V4']}))"
    )
    done = python("-c", code, **numerics.PORTABLE, **dict.fromkeys(blas.THREADS, "1"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["capability"], told["profile"], told["threads"], told["hash_seed"]) == ("AVX2", "portable", 1, "0")
    assert told["dtype"] == "float32"
    assert not told["avx512"] and told["versions"]["torch"] == torch.__version__.partition("+")[0]


@needs_avx2
def test_a_stage_starts_itself_anew_under_it_and_gives_the_same_bytes_whatever_it_was_started_under(in_mill):
    def trained(profile: str, **changes: str) -> tuple[dict, bytes]:
        chosen = settings(numerics={"threads": 1, "matmul": "highest", "profile": profile})
        Path("params.yaml").write_text(json.dumps(chosen, ensure_ascii=False), "utf-8")
        to = f"-{profile}{len(changes)}"
        done = python("-m", "stages.train", *train_words("t5-text", RECIPES["t5-text"]["model"]["base"], to), **changes)
        assert done.returncode == 0, done.stderr
        weights = Path(f"data/models/t5-text{to}/model.safetensors").read_bytes()
        return json.loads(Path(f"data/reports/train/t5-text{to}.json").read_text())["numerics"], weights

    portable, weights = trained("portable")
    assert portable["capability"] == "AVX2" and portable["profile"] == "portable"
    again, same = trained("portable", ATEN_CPU_CAPABILITY="default", OMP_NUM_THREADS="2", PYTHONHASHSEED="3")
    assert again == portable and same == weights
