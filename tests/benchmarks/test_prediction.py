"""The ways of writing that are measured beside each other write the same, and every part says what it promises."""

import json

import pytest
import torch

from benchmarks import prediction
from stages.refusal import Refusal

SMALL = ["--shapes", "tiny", "--rows=4", "--tokens=3", "--batch=2", "--rounds=2", "--seconds=60"]


@pytest.fixture(autouse=True)
def one_thread():
    """What the benchmark settles is for its own process."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(before[0])
    torch.set_float32_matmul_precision(before[1])
    torch.use_deterministic_algorithms(False)


def test_every_way_is_measured_and_float32_writes_the_same(tmp_path):
    out = tmp_path / "told.json"
    prediction.main([*SMALL, "--parts", "speed", "equality", "mixed", f"--out={out}"])
    told = json.loads(out.read_text("utf-8"))["tiny"]
    assert told["setting"]["rows"] == 4 and 4e6 < told["setting"]["weights"] < 5e6
    for mode in ("greedy", "sampled"):
        rates = told["speed"][mode]["tokens_per_second"]
        assert set(rates) == set(prediction.WAYS) == set(told["speed"][mode]["ratio"])
        assert all(one["runs"] == 2 and 0 < one["low"] <= one["median"] <= one["high"] for one in rates.values())
        assert told["speed"][mode]["ratio"]["table order"] == 1.0
    same = told["equality"]
    assert all(same[way]["same"] == 1.0 for way in ("table order", "sorted", "ours", "float32"))
    assert same["float32"]["log_probability_apart"]["most"] < 1e-4 < same["int8"]["log_probability_apart"]["most"]
    assert set(told["mixed"]["seconds"]) == {"together", "one after another"}


def test_a_row_alone_is_timed_and_other_results_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, "ALONE", 2)
    out = tmp_path / "told.json"
    out.write_text('{"other": 1}')
    prediction.main([*SMALL, "--ways", "ours", "int8", "--parts", "latency", f"--out={out}"])
    told = json.loads(out.read_text("utf-8"))
    assert told["other"] == 1
    for mode in ("greedy", "sampled"):
        assert all(0 < one["p50"] <= one["p95"] for one in told["tiny"]["latency_ms"][mode].values())


def test_the_memory_is_that_of_a_process_of_its_own(tmp_path):
    out, ballast = tmp_path / "told.json", b"1" * 2**31  # of the process that starts it
    prediction.main([*SMALL, "--threads=2", "--ways", "int8", "--parts", "memory", f"--out={out}"])
    assert 200 < json.loads(out.read_text("utf-8"))["tiny, 2 threads"]["peak_mib"]["int8"] < len(ballast) / 2**20


def test_a_recipe_is_measured_with_what_its_texts_are_worth(in_mill, write_settings, tmp_path):
    write_settings()
    out = tmp_path / "told.json"
    words = ["--shapes", "--rows=4", "--tokens=6", "--rounds=1", "--parts", "speed", f"--out={out}"]
    prediction.main([*words, "--recipe=t5-text", "--ways", "ours", "float32"])
    told = json.loads(out.read_text("utf-8"))["t5-text"]["speed"]["greedy"]
    assert told["quality"]["ours"] == told["quality"]["float32"]
    with pytest.raises(Refusal):
        prediction.main([*words, "--recipe=bert-full"])
