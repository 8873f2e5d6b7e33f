"""Any file through a trained model: the stage's own answers, resumable, from a folder, a release or the Hub's cache."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import yaml
from small_mill import RECIPES, ROOT, settings

from stages import answer, answering, origin, params, schema
from stages.refusal import Refusal

TEXTS = ["Вкусно, но долго ждали.", "", "Ужасно! Больше не придём.", "Отличный суп.", "Официант забыл про нас. " * 60]


@pytest.fixture
def here(in_mill, write_settings) -> Path:
    write_settings()
    return in_mill


def rows_of(name: str) -> pl.DataFrame:
    source = RECIPES[name]["rows"]["from"]
    return schema.read(f"data/enriched/{source}.parquet", schema.ENRICHED).filter(split="test")


def lines(path: str) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def write_texts(path: str, texts: list[str] = TEXTS) -> None:
    pl.DataFrame({"id": range(len(texts)), "text": texts}).write_csv(path)


@pytest.mark.parametrize("name", ["bert-full", "bert-lora", "t5-text", "bert-pair", "t5-full", "t5-lora"])
@pytest.mark.parametrize("size", ["3", "256"])
def test_the_answers_are_those_of_the_stage(here, name, size):
    rows = rows_of(name)
    rows.write_parquet("in.parquet")
    answer.main(f"data/models/{name}", "in.parquet", "out.parquet", size)
    told = pl.read_parquet("out.parquet")
    stage = schema.read(f"data/answers/{name}.parquet", schema.ANSWERS).join(rows, on="id", how="semi")
    both = stage.join(told, on="id", suffix="_told")
    assert told.drop("answer", "error", "confidence", strict=False).equals(rows) and both.height == rows.height
    if name == "bert-pair":
        assert both["answer_told"].cast(float).to_list() == pytest.approx(
            both["answer"].cast(float).to_list(), abs=2e-4
        )
        assert "confidence" not in told.columns
    else:
        assert both["answer_told"].to_list() == both["answer"].to_list()
    if name.startswith("bert-") and name != "bert-pair":
        assert told["confidence"].to_list() == pytest.approx(
            rows.join(stage, on="id", maintain_order="left")["confidence"].to_list(), abs=1e-5
        )


def test_what_is_wrong_with_a_row_stands_in_it_and_what_was_cut_too(here):
    write_texts("in.csv")
    answer.main("data/models/bert-lora", "in.csv", "out.csv")
    told = pl.read_csv("out.csv")
    assert told.columns == ["id", "text", "answer", "confidence", "error"]
    assert told["error"][1] == "text: nothing in it that could be read" and told["answer"][1] is None
    assert told["error"][4].startswith("cut: ") and told["error"][4].endswith(
        "tokens where the model reads 128; left out: the end of prompt"
    )
    assert told["answer"][4] in ("negative", "neutral", "positive") and told["error"].null_count() == 3


def test_the_files_own_names_will_do(here):
    Path("in.jsonl").write_text('{"review": "Отличный суп."}\n{"other": 1}\n', "utf-8")
    answer.main("data/models/bert-full", "in.jsonl", "out.jsonl", "1", "text=review")
    first, second = lines("out.jsonl")
    assert first["answer"] and first["error"] is None and second == {
        "other": 1, "answer": None, "confidence": None, "error": "no text",
    }  # fmt: skip


def interrupted(monkeypatch, after: int):
    """Answerer.answer ends in an interrupt at its `after`-th call; what is given back counts the calls."""
    real, calls = answering.Answerer.answer, []

    def once(self, rows, seed=None):
        calls.append(len(rows))
        if len(calls) == after:
            raise KeyboardInterrupt
        return real(self, rows, seed)

    monkeypatch.setattr(answering.Answerer, "answer", once)
    return calls


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_what_was_stopped_goes_on_and_ends_with_the_same_bytes(here, monkeypatch, ending, capsys):
    rows = rows_of("t5-full").select("id", "rating", "rubrics", keywords=pl.col("keywords").list.join(","))
    {"csv": rows.write_csv, "jsonl": rows.write_ndjson, "parquet": rows.write_parquet}[ending](f"in.{ending}")
    words = ["data/models/t5-lora", f"in.{ending}"]
    answer.main(*words, f"whole.{ending}", "5")
    with monkeypatch.context() as patch:
        interrupted(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            answer.main(*words, f"out.{ending}", "5")
    assert not Path(f"out.{ending}").exists()
    with monkeypatch.context() as patch:
        calls = interrupted(patch, 99)
        answer.main(*words, f"out.{ending}", "5")
        assert calls == [5, 5]
    assert "going on behind 2 parts" in capsys.readouterr().err
    assert Path(f"out.{ending}").read_bytes() == Path(f"whole.{ending}").read_bytes()
    assert sorted(path.name for path in Path().iterdir() if "out" in path.name) == [f"out.{ending}"]


@pytest.mark.parametrize("change", ["file", "rows", "seed", "recipe", "columns"])
def test_a_run_of_another_plan_begins_anew(here, write_settings, monkeypatch, change):
    write_texts("in.csv")
    with monkeypatch.context() as patch:
        interrupted(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            answer.main("data/models/t5-text", "in.csv", "out.csv", "1")
    if change == "file":
        write_texts("in.csv", TEXTS[::-1])
    if change == "recipe":
        write_settings(recipes=RECIPES | {"t5-text": RECIPES["t5-text"] | {"predict": {"batch": 2}}})
    calls = interrupted(monkeypatch, 99)
    answer.main("data/models/t5-text", "in.csv", "out.csv", "2" if change == "rows" else "1",
                "text=id" if change == "columns" else "",
                "9" if change == "seed" else "")  # fmt: skip
    assert sum(calls) == 5


def test_an_answer_that_is_drawn_depends_on_its_row_and_on_the_seed_alone(here):
    asked = [{"rating": stars, "rubrics": "Кафе", "keywords": ["суп"]} for stars in (1, 5, 3, 1)]
    for name, rows in (("a", asked), ("b", asked[::-1])):
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        answer.main("data/models/t5-full", f"{name}.jsonl", f"{name}-out.jsonl", "1" if name == "a" else "256")
    answer.main("data/models/t5-full", "a.jsonl", "c-out.jsonl", "1", "", "77")
    told = {name: [row["answer"] for row in lines(f"{name}-out.jsonl")] for name in "abc"}
    assert told["a"] == told["b"][::-1] and told["a"][0] == told["a"][3]
    assert told["a"] != told["c"]


def release(name: str, folder: str) -> Path:
    """A published folder: the model's files, its recipe, its card's head."""
    recipe = settings()["recipes"][name]
    shutil.copytree(f"data/models/{name}", folder)
    told = {"recipe": recipe, "numerics": {"threads": 1, "matmul": "highest", "capability": "AVX2"}}
    Path(folder, "provenance.json").write_text(json.dumps(told))
    Path(folder, "README.md").write_text("---\nlanguage: ru\nlicense: mit\n---\n\n# A model\n", "utf-8")
    return Path(folder)


@pytest.mark.parametrize("name", ["bert-full", "bert-lora"])
def test_a_published_folder_carries_what_is_needed(here, name):
    write_texts("in.csv")
    answer.main(f"data/models/{name}", "in.csv", "ours.csv")
    release(name, "data/published/release")
    Path("params.yaml").unlink()
    answer.main("data/published/release", "in.csv", "out.csv")
    assert Path("out.csv").read_bytes() == Path("ours.csv").read_bytes()


def run(*words: str, **env: str):
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"} | env
    return [sys.executable, "-m", "stages.predict", *words], env


def test_a_release_is_found_by_its_tag_in_the_hubs_cache(here):
    """The real client, offline: a cache as it leaves one, with a ref for the tag."""
    write_texts("in.csv")
    answer.main("data/models/bert-full", "in.csv", "ours.csv")
    cache, oid = Path("hf/hub/models--mill--tone"), "a" * 40
    (cache / "refs").mkdir(parents=True)
    (cache / "refs/git-0123456789ab").write_text(oid)
    (cache / "snapshots").mkdir()
    release("bert-full", str(cache / "snapshots" / oid))
    words, env = run(
        "mill/tone@git-0123456789ab", "in.csv", "out.csv", HF_HOME=str(Path("hf").resolve()), HF_HUB_OFFLINE="1"
    )
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert Path("out.csv").read_bytes() == Path("ours.csv").read_bytes()
    words, env = run("mill/tone@v9", "in.csv", "other.csv", HF_HOME=str(Path("hf").resolve()), HF_HUB_OFFLINE="1")
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 1 and "mill/tone at v9 from the Hub or the local cache" in done.stderr
    assert "Traceback" not in done.stderr


def test_killed_it_goes_on(here):
    write_texts("in.csv", [f"Суп номер {at} остыл, официант ушёл." for at in range(120)])
    answer.main("data/models/t5-text", "in.csv", "whole.csv", "4")
    words, env = run("data/models/t5-text", "in.csv", "out.csv", "--rows", "4")
    running = subprocess.Popen(words, env=env, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 180
        while len(list(Path(".out.csv.parts.partial").glob("*.json"))) < 4 and time.monotonic() < until:
            assert running.poll() is None, running.stderr.read()
            time.sleep(0.02)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert not Path("out.csv").exists()
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "going on behind" in done.stderr, done.stderr
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "expected", "do"),
    [
        (("data/models/bert-full", "in.csv", "in.csv"), "another file that ends in .csv", "name one"),
        (("data/models/bert-full", "in.csv", "out.jsonl"), "another file that ends in .csv", "name one"),
        (("data/models/none", "in.csv", "out.csv"), "a folder with a model, or repo@tag", "dvc repro train@none"),
        (("data", "in.csv", "out.csv"), "a model: config.json, or adapter_config.json", "name the folder of a model"),
        (("data/models/t5-full", "in.csv", "out.csv"), "the column rating", "rating=<its name there>"),
        (
            ("data/models/bert-pair", "in.csv", "out.csv"),
            "the columns question, guide",
            "question=<its name there>,guide=",
        ),
        (("data/models/bert-full", "in.csv", "out.csv", "0"), "a whole number of at least 1", "correct it"),
        (("data/models/bert-full", "in.csv", "out.csv", "1", "txt=a"), "column=the file's own name", "correct it"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_model_is_opened(here, monkeypatch, words, expected, do):
    monkeypatch.setattr(answering, "open_model", None)
    write_texts("in.csv")
    with pytest.raises(Refusal) as refused:
        answer.main(*words)
    assert expected in refused.value.expected and do in refused.value.do


def planned(folder: Path, columns: dict) -> dict:
    recipe = params.Recipe.model_validate(RECIPES["t5-text"])
    found = origin.Origin("t5-text", recipe, folder / "model", None, "ru", origin.ALONE, 1, folder / "learnt", False)
    return answer._plan(found, folder / "in.csv", 5, columns, None)


FILES = ("in.csv", "model/model.safetensors", "model/spiece.model", "model/vocab.txt", "learnt/data.arrow")


@pytest.mark.parametrize("change", [*FILES, "columns", "code", "device", "numerics", "nothing"])
def test_parts_are_kept_under_the_same_plan_alone(tmp_path, monkeypatch, change):
    for file in FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("a")
    aside = tmp_path / "aside"
    aside.mkdir()
    answer._go_on(aside, planned(tmp_path, {"text": "text"}))
    (aside / "00000000").write_text("done")
    if change in FILES:
        (tmp_path / change).write_text("b")
    if change == "code":
        (tmp_path / "stages").mkdir()
        monkeypatch.setattr(answer, "__file__", str(tmp_path / "stages/answer.py"))
    if change == "device":
        monkeypatch.setattr(answer.numerics, "device_name", lambda: "NVIDIA H200")
    if change == "numerics":
        monkeypatch.setattr(answer.numerics, "stated", lambda numerics: {"capability": "DEFAULT", "blas": []})
    answer._go_on(aside, planned(tmp_path, {"text": "review" if change == "columns" else "text"}))
    assert (aside / "00000000").exists() == (change == "nothing")


def test_a_column_that_was_named_and_is_not_there_is_refused_though_it_might_be_absent():
    with pytest.raises(Refusal) as refused:
        answer._named("keywords=wrods", "review_generation", ["rating", "words"], "in.csv")
    assert refused.value.expected == "the column wrods"
    told = answer._named("keywords=words", "review_generation", ["rating", "words"], "in.csv")
    assert told == {"rating": "rating", "rubrics": "rubrics", "keywords": "words"}


@pytest.mark.parametrize("text", ["99999999999", "4294967296", "9" * 5000, "-1", "x", "²"])
def test_a_seed_that_cannot_be_drawn_with_is_refused(text):
    with pytest.raises(Refusal):
        answer._whole(text, "--seed", 0)
    assert answer._whole("4294967295", "--seed", 0) == 2**32 - 1


def test_two_at_once_do_not_write_over_each_other(here):
    write_texts("in.csv")
    with answer._aside(Path("out.csv")), pytest.raises(Refusal) as refused:
        answer.main("data/models/bert-full", "in.csv", "out.csv")
    assert refused.value.expected == "one run at a time"


@pytest.mark.parametrize("recipe", [None, [], {"task": "sentiment_label"}, {"task": "../x"}, "text"])
def test_a_provenance_that_is_no_recipe_is_refused(here, recipe):
    folder = release("bert-full", "data/published/release")
    folder.joinpath("provenance.json").write_text(json.dumps({"recipe": recipe}))
    with pytest.raises(Refusal) as refused:
        origin.find(str(folder))
    assert refused.value.expected == "the recipe of a published model"


def test_a_task_that_nobody_knows_is_not_imported(here):
    folder = release("bert-full", "data/published/release")
    recipe = settings()["recipes"]["bert-full"] | {"task": "__init__"}
    folder.joinpath("provenance.json").write_text(json.dumps({"recipe": recipe}))
    with pytest.raises(Refusal) as refused:
        origin.find(str(folder))
    assert refused.value.expected.startswith("a task among") and refused.value.found == "__init__"


def test_an_adapter_whose_base_is_missing_says_what_makes_it(here):
    shutil.copytree("data/models/bert-lora", "elsewhere/models/bert-lora")
    Path("data/bases/bert").unlink()
    with pytest.raises(Refusal) as refused:
        origin.find("elsewhere/models/bert-lora")
    assert refused.value.found == "no data/bases/bert" and "dvc repro pretrain@bert" in refused.value.do


def test_the_dvc_stage_still_takes_six_words(here):
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]["predict"]["do"]["cmd"]
    from stages import predict

    assert len(stage.split()) == 3 + predict.WORDS


def test_six_words_with_options_among_them_are_of_a_file(tmp_path):
    (tmp_path / "rows.csv").write_text("text\nfine\n")
    words = ["nowhere", "rows.csv", "out.csv", "--rows=1", "--seed=2", "--columns=text=text"]
    done = subprocess.run(
        [sys.executable, "-m", "stages.predict", *words], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr and "nowhere" in done.stderr, done.stderr
