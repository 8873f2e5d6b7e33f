"""The measuring of training on a toy model, in this process: that what it counts is what there is."""

import json
from itertools import count, pairwise
from types import SimpleNamespace

import polars as pl
import pytest
import torch

from benchmarks.training import __main__ as command
from benchmarks.training import asked as of_words
from benchmarks.training import curves, one, parts, rounds, shapes
from benchmarks.training.shapes import SHAPES, Shape, build, work
from benchmarks.training.watching import Counted
from stages.refusal import Refusal


@pytest.fixture
def toy(monkeypatch):
    """Shapes small enough for a test, and measurements in this process."""

    def here(asked: dict, threads: int) -> dict:
        words = dict(asked)
        return json.loads(json.dumps(one.KNOWN[words.pop("measure")](**words)))

    for family in ("seq2seq", "causal"):
        monkeypatch.setitem(SHAPES, f"toy-{family}", Shape(family, 16, 1, 2, vocabulary=1100))
    monkeypatch.setattr(rounds, "one", here)
    monkeypatch.setattr(parts, "one", here)
    monkeypatch.setattr(of_words, "one", here)
    monkeypatch.setattr(one, "SIDE", 64)
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)
    torch.use_deterministic_algorithms(False)


def asked(shape: str = "toy-seq2seq", **more) -> parts.Asked:
    words = {"shapes": [shape], "methods": ["full"], "data": "random", "rows": 16, "seconds": 0.0, "rounds": 1,
             "threads": 1, "tokens": 600, "lr": 1e-3, "seed": 1}  # fmt: skip
    return parts.Asked(**words | more)


def of(shape: str, way: dict, folder, method: str = "full", **more) -> dict:
    return asked().of("speed", way, str(folder), shape, method, seconds=0.0, lr=1e-3, whole=True) | more


@pytest.mark.parametrize("shape", ["toy-seq2seq", "toy-causal"])
def test_all_ways_count_the_same_tokens_of_an_epoch(toy, tmp_path, monkeypatch, shape):
    monkeypatch.setattr(one, "WARM", 0)
    monkeypatch.setattr("benchmarks.training.watching.WARM", 0)
    told = asked().fold(str(tmp_path), shape)
    counts = {}
    all_ = {"stock": asked().plain(batch=4), "grouped": asked().plain(batch=4, grouped=True), "ours": asked().ours()}
    if shape == "toy-seq2seq":
        all_["packed"] = asked().ours(packing=True)
    for name, way in all_.items():
        found = rounds.one(of(shape, way, tmp_path), 1)
        counts[name] = [round(found[key] * found["seconds"]) for key in ("tokens_per_second", "examples_per_second")]
    assert counts["ours"] == [round(told["rows"] * told["tokens_per_row"]), 16]
    assert all(of == counts["ours"] for of in counts.values())


def test_padding_to_512_is_counted_as_padding(toy, tmp_path):
    asked().fold(str(tmp_path), "toy-seq2seq", lengths=[100, 28])
    found = rounds.one(of("toy-seq2seq", asked().plain(batch=8, pad=512), tmp_path), 1)
    assert found["padding_share"] == pytest.approx(1 - 128 / 1024)
    close = rounds.one(of("toy-seq2seq", asked().ours(), tmp_path), 1)
    assert close["padding_share"] == 0


def test_a_few_steps_of_padded_rows_stand_for_rows_of_mean_length(toy, tmp_path):
    told = asked().fold(str(tmp_path), "toy-seq2seq")
    found = rounds.one(of("toy-seq2seq", asked().plain(batch=8, pad=512), tmp_path), 1)
    assert found["tokens_per_second"] == pytest.approx(told["tokens_per_row"] * found["examples_per_second"])


def test_work_is_six_flop_a_weight_and_token_and_four_where_frozen(toy, tmp_path):
    asked().fold(str(tmp_path), "toy-seq2seq")
    model, _ = build("toy-seq2seq", "full", tmp_path / "tokenizer", 1)
    attention, feed, head = 4 * 16 * 16, 3 * 16 * 32, 16 * 1100
    crossing = 2 * 16 * 16  # keys and values of what the encoder read
    assert work(model, "seq2seq") == (
        6 * (attention + feed + crossing),
        6 * (attention + attention - crossing + feed + head),
    )
    lora, _ = build("toy-seq2seq", "lora", tmp_path / "tokenizer", 1)
    adapters = sum(p.numel() for p in lora.parameters() if p.requires_grad)
    assert sum(work(lora, "seq2seq")) == 4 * (2 * attention + 2 * feed + attention + head) + 6 * adapters


def test_ways_are_compared_and_kept_beside_what_was_known(toy, tmp_path, capsys, monkeypatch):
    path = tmp_path / "training.json"
    path.write_text('{"ways": {"other full": {"rows": {}}}, "start": {}}')
    monkeypatch.setattr(parts, "BATCHES", (8,))
    words = "--parts ways --shapes toy-seq2seq --rows 16 --seconds 0 --rounds 2 --threads 1 --tokens 600"
    monkeypatch.setattr("sys.argv", ["training", *words.split(), "--results", str(path)])
    command.main()
    known = json.loads(path.read_text())
    assert set(known) == {"ways", "start"} and set(known["ways"]) == {"other full", "toy-seq2seq full"}
    found = known["ways"]["toy-seq2seq full"]
    for name, speed in found["ways"].items():
        low, high = speed["tokens_per_second_spread"]
        assert low <= speed["tokens_per_second"] <= high
        base = found["ways"][parts.PADDED]["tokens_per_second"]
        assert found["times"][name][parts.PADDED] == pytest.approx(speed["tokens_per_second"] / base, rel=2e-3)
    assert found["about"]["command"].startswith("python -m benchmarks.training --parts ways")
    assert f"| {parts.PADDED} | " in capsys.readouterr().out


def test_a_course_falls_while_the_clock_runs(toy, monkeypatch):
    hours = count()
    monkeypatch.setattr("benchmarks.training.watching.moment", lambda: float(next(hours)))  # a step takes a second
    told = parts.loss(asked(rows=16, seconds=5.0, lr=3e-2, data="sample"))["toy-seq2seq full, sample"]
    for points in told["points"].values():
        assert [seconds for seconds, *_ in points] == [float(i) for i in range(6)]
        assert points[0][1] == 0 and all(before[1] < after[1] for before, after in pairwise(points))
        assert points[-1][2] < points[0][2] - 0.1
    assert told["against"][parts.STOCK]["times"][parts.STOCK] == 1


def test_a_curve_is_read_between_its_points():
    courses = {"slow": [(0.0, 0, 9.0), (10.0, 100, 5.0)], "fast": [(0.0, 0, 9.0), (1.0, 50, 7.0), (4.0, 200, 3.0)]}
    found = curves.against(courses, "slow")
    assert (found["tokens"], found["loss"]) == (100, 5.0)
    assert found["loss_at_these_tokens"] == {"slow": 5.0, "fast": pytest.approx(5.66667)}
    assert found["seconds_to_this_loss"] == {"slow": 10.0, "fast": 2.5} and found["times"]["fast"] == 4.0


def test_float32_is_close_to_float64_and_a_wrong_loss_is_seen(toy, tmp_path, monkeypatch):
    asked().fold(str(tmp_path), "toy-seq2seq")
    words = asked().of("exact", asked().ours(), str(tmp_path), "toy-seq2seq", "full", rows=8)
    found = rounds.one(words, 1)
    assert found["loss"] < 1e-6 and found["gradient"] < 1e-4 and found["gradient_norm"] < 1e-5
    from stages.models import seq2seq

    right = seq2seq.loss
    monkeypatch.setattr(seq2seq, "loss", lambda *all_, **more: 1.01 * right(*all_, **more))
    assert rounds.one(words, 1)["gradient_norm"] == pytest.approx(0.01, rel=1e-3)


def test_real_texts_are_read_from_a_parquet_file(toy, tmp_path):
    path = tmp_path / "films.parquet"
    pl.DataFrame({"text": [f"отзыв номер {i} о хорошем фильме" for i in range(40)] + [None, "да"]}).write_parquet(path)
    told = asked(data=str(path)).fold(str(tmp_path / "rows"), "toy-seq2seq")
    assert told["rows"] == 16 and told["tokens_per_row"] > 6
    pl.DataFrame({"review": ["a"]}).write_parquet(path)
    with pytest.raises(Refusal, match="a column text"):
        asked(data=str(path)).fold(str(tmp_path / "rows"), "toy-seq2seq")


def test_packed_examples_are_counted_by_their_ends():
    batch = {"input_ids": torch.tensor([[5, 6, 1, 7, 1, 0]]), "labels": torch.tensor([[8, 1, 9, 9, 1, -100]])}
    counted = Counted(lambda rows: batch, 0, 1, "seq2seq")
    counted([])
    assert counted.made == [(5, 5, 2, 12)] and counted.tokens(0, 1) == 10


def test_a_course_under_a_loss_in_chunks_is_that_of_the_whole(toy, tmp_path):
    asked().fold(str(tmp_path), "toy-seq2seq")
    first = []
    for numerics in ({}, {"loss_rows": 8}, {"dtype": "bfloat16"}):
        way = asked().of("course", asked().ours(numerics), str(tmp_path), "toy-seq2seq", "full", seconds=0.0, lr=1e-9)
        first.append([loss for _, _, loss in rounds.one(way, 1)["points"]])
    assert len(first[0]) == 2
    assert all(other == pytest.approx(first[0], abs=2e-5) for other in first[1:])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_gpu_part_refuses_where_there_is_none():
    with pytest.raises(Refusal, match="a GPU that torch can use"):
        parts.gpu(asked())


def test_the_gpu_part_asks_every_way_in_bfloat16(toy, monkeypatch):
    for name, few in {"GPU_ROWS": 24, "GPU_BATCHES": (8,), "GPU_TOKENS": (600,)}.items():
        monkeypatch.setattr(parts, name, few)
    monkeypatch.setattr(parts, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True)))
    found = parts.gpu(asked())["toy-seq2seq full"]
    assert found["rows"]["rows"] == 24 and set(found["ways"]) == {
        parts.PADDED,
        parts.STOCK,
        parts.GROUPED,
        "ours, 600 tokens",
    }
    rate = found["products_gflop_per_second"]["bfloat16"]
    for of in found["ways"].values():
        assert of["share_of_product"] == pytest.approx(of["gflop_per_second"] / rate, rel=2e-3)


def test_a_minilm_is_found():
    assert (shapes.minilm() / "model.safetensors").is_file()
