"""Reports as literals → the comparison, its page and its table."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import compare, params, schema, table
from stages import comparison_page as page
from stages.refusal import Refusal

ROOT = Path(__file__).parents[1]
FULL, LORA, LABEL = "review_generation-places-full", "review_generation-places-lora", "sentiment_label-films-full"


def metric(value: float, n: int = 200) -> dict:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "n": n}


def evaluated(recipe: str, headline: str, value: float, judge: dict | None, answer: str = "Вкусно.") -> dict:
    return {
        "recipe": recipe,
        "task": recipe.split("-")[0],
        "headline": headline,
        "metrics": {headline: metric(value), "other": metric(0.31)},
        "slices": {"rating": {str(r): {headline: metric(value - 0.02 * r, 40)} for r in range(1, 6)}},
        "base": {"metrics": {headline: metric(0.21), "other": metric(0.11)}, "likeliest": None},
        "baselines": {
            "majority": {headline: metric(0.25)},
            "retrieval": {headline: metric(0.45), "other": metric(0.2)},
        },
        "likeliest": None,
        "calibration": None if judge else {whose: calibrated() for whose in ("tuned", "base")},
        "judge": judge,
        "examples": [
            {"rating": 1 + n % 5, "prompt": f"rating {1 + n % 5} | rubrics Кафе | keywords пицца, официант",
             "target": "Пиццу ждали час.", "answer": answer, "base_answer": "и и и"}
            for n in range(10)
        ],
    }  # fmt: skip


def calibrated() -> dict:
    bins = [{"low": 0.6, "high": 0.666667, "n": 40, "confidence": 0.63, "accuracy": 0.5},
            {"low": 0.933333, "high": 1.0, "n": 160, "confidence": 0.97, "accuracy": 0.91}]  # fmt: skip
    return {"ece": metric(0.074), "brier": metric(0.21), "bins": bins}


def scored(headline: str, value: float) -> pl.DataFrame:
    """The scores of 200 rows: as many are right as the figure says, the best contestant's first."""
    codes = [
        pl.DataFrame({"id": [f"{n:03}" for n in range(200)], "contestant": "answer", "metric": column,
                      "value": [float(n < 200 * share) for n in range(200)]})
        for column, share in (("said", 0.85), ("true", 0.9)) if headline == "accuracy"
    ]  # fmt: skip
    shares = {"answer": value, "base": 0.21, "majority": 0.25, "retrieval": 0.45}
    return pl.concat(codes + [
        pl.DataFrame({"id": [f"{n:03}" for n in range(200)], "contestant": who, "metric": headline,
                      "value": [float(n < 200 * share) for n in range(200)]})
        for who, share in shares.items()
    ])  # fmt: skip


def write(folder: Path, answer: str = "Вкусно.") -> Path:
    """The reports of three recipes over two sources."""
    judge = {"kind": "tfidf", "accuracy": metric(0.66), "tone_accuracy": metric(0.86)}
    headlines = {FULL: ("tone_agreement", 0.74), LORA: ("tone_agreement", 0.69), LABEL: ("accuracy", 0.83)}
    losses = [(0, 4.1, None), (60, 3.0, 3.2), (120, 2.6, 2.9), (180, 2.3, 2.85), (240, 2.0, 2.95)]
    reports = {}
    for name, (headline, value) in headlines.items():
        judged = judge if headline == "tone_agreement" else None
        reports |= {
            f"tokenize/{name}": {"rows": {"train": 5000, "validation": 300, "test": 250}, "task_version": 1},
            f"train/{name}": {
                "trainable_parameters": 1234567 if name == FULL else 32768, "parameters": 1234567, "steps": 240,
                "size_bytes": 4_938_268, "stopped_early": name == FULL,
                "best_step": 180, "validation_loss": {"first": 3.2, "best": 2.85, "last": 2.95},
                "train_loss": {"first": 4.1, "last": 2.0}, "device": "cpu", "dtype": "float32",
                "overfitting": "validation loss rose 3.5% after step 180" if name == FULL else None,
            },
            f"seconds/{name}": {"train_seconds": 41.25 if name == FULL else 83.5, "tokens_per_second": 3100.0,
                                "device": "cpu", "peak_mib": 912.4, "peak_gpu_mib": None},
            f"speed/{name}": {"seconds": 4.0, "base_seconds": 4.0, "rows_per_second": 50.0, "device": "cpu, 2 threads",
                              "latency_ms": {"p50": 21.25, "p95": 33.5}, "requests": 50,
                              "peak_mib": 700.0, "peak_gpu_mib": None},
            f"baselines/{name}": {"majority": 0.001, "retrieval": 0.25},
            f"curves/{name}": [
                {"step": step, "epoch": step / 60, "train_loss": train, "validation_loss": validation}
                for step, train, validation in losses
            ],
            f"evaluate/{name}": evaluated(name, headline, value, judged, answer),
        }  # fmt: skip
    for source in ("places", "films"):
        reports |= {
            f"clean/{source}": {
                "rows_in": 9000, "rows_out": 8700, "rejected": {"duplicate": 200, "too_short": 100}, "changed": {},
                "splits": {"train": 6500, "validation": 900, "test": 1300},
                "ratings": {"1": 800, "2": 400, "3": 500, "4": 600, "5": 6400},
            },
            f"validate/{source}": {
                "passed": True, "rows": 8700, "warnings": ["tokens.p95 is 171, above 160"],
                "expectations": [{"name": "rows", "passed": True}, {"name": "tokens.p95", "passed": False}],
            },
            f"judge/{source}": {"candidates": {"tfidf": 0.65}, **judge},
        }  # fmt: skip
    for name, (headline, value) in headlines.items():
        schema.write(folder.parent / f"scores/{name}.parquet", scored(headline, value), schema.SCORES)
    answers = dict.fromkeys(schema.ANSWERS, [None] * 200) | {"id": [f"{n:03}" for n in range(200)]}
    given = pl.DataFrame(answers | {"target": ["positive"] * 180 + ["negative"] * 20}, schema=schema.ANSWERS)
    schema.write(folder.parent / f"answers/{LABEL}.parquet", given, schema.ANSWERS)
    for name, report in reports.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


def words(reports: str, to: str = "reports") -> list[str]:
    """The words of compare's command line; `to` is the folder that it writes into."""
    made = [f"{to}/comparison.json", f"{to}/comparison.html", f"{to}/headline", f"{to}/plots"]
    return ["sample", reports, "scores", "answers", *made]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three recipes, compared once; one review in it tries to be a script."""
    folder = tmp_path_factory.mktemp("project")
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["recipes"] = {name: settings["recipes"][name] for name in (FULL, LORA, LABEL)}
    settings["publish"] = {}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    write(folder / "reports", answer="<script>alert('stolen')</script> & co")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        compare.main(*words("reports"))
    return folder


@pytest.fixture(scope="module")
def html(project: Path) -> str:
    return (project / "reports/comparison.html").read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text between."""

    def __init__(self, page: str):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_entry_copies_the_reports_numbers(project):
    comparison = json.loads((project / "reports/comparison.json").read_text())
    assert comparison["profile"] == "sample"
    assert [one["recipe"] for one in comparison["recipes"]] == [FULL, LORA, LABEL]
    entry = comparison["recipes"][0]
    assert (entry["task"], entry["family"], entry["method"], entry["source"]) == (
        "review_generation", "seq2seq", "full", "places"
    )  # fmt: skip
    assert entry["trainable_parameters"] == 1234567
    assert entry["rows"] == {"train": 5000, "validation": 300, "test": 250}
    assert entry["metrics"]["tone_agreement"] == metric(0.74)
    assert entry["base"]["tone_agreement"]["value"] == 0.21
    assert entry["baselines"]["retrieval"]["tone_agreement"]["value"] == 0.45
    assert entry["judge"]["kind"] == "tfidf" and comparison["recipes"][2]["judge"] is None
    assert entry["overfitting"] == "validation loss rose 3.5% after step 180"
    assert entry["train_seconds"] == 41.25
    assert (entry["peak_mib"], entry["size_bytes"], entry["speed"]["latency_ms"]["p95"]) == (912.4, 4_938_268, 33.5)


def test_a_contest_holds_all_that_answered_the_same_rows(project):
    told = json.loads((project / "reports/comparison.json").read_text())["contests"]
    assert [(one["task"], one["source"], one["rows"]) for one in told] == [
        ("review_generation", "places", 200), ("sentiment_label", "films", 200)
    ]  # fmt: skip
    names = [one["name"] for one in told[0]["contestants"]]
    assert names == ["majority", "retrieval", "places-t5, untuned", FULL, LORA]  # the cheapest first, each once
    assert [one["pareto"] for one in told[0]["contestants"]] == [True, True, False, True, False]
    assert len(told[0]["pairs"]) == 5 * 4 / 2
    assert told[0]["winner"] == FULL and told[0]["verdict"].startswith(f"On 200 test rows of places use {FULL}")


def test_a_review_that_is_a_script_stays_text(html):
    page = Elements(html)
    assert not [tag for tag, _ in page.elements if tag in ("script", "iframe", "img", "link", "object")]
    assert "<script>alert('stolen')</script> & co" in page.text


def test_the_page_asks_for_nothing(html):
    addresses = [
        v for _, attrs in Elements(html).elements for k, v in attrs.items() if k in ("src", "href", "xlink:href")
    ]
    assert addresses and all(address.startswith("#") for address in addresses)
    assert not re.search(r"https?:|@import|url\((?!#)", html)


def test_ids_of_a_page_with_many_plots_are_unique_save_shared_glyphs(html):
    ids = [attrs["id"] for tag, attrs in Elements(html).elements if "id" in attrs and tag not in ("path", "clippath")]
    assert len(ids) == len(set(ids))


def test_the_page_tells_the_account(html):
    text = " ".join(" ".join(Elements(html).text).split())
    for said in ("1,234,567", "0.740 [0.690, 0.790]", "retrieval", "validation loss rose 3.5% after step 180",
                 "rejected: duplicate", "tokens.p95 is 171, above 160", "1 of 2 expectations hold",
                 "On 200 test rows of places use", "21.2 · 33.5", "stopped early",
                 "Expected calibration error 0.074 [0.024, 0.124]"):  # fmt: skip
        assert said in text
    # Per task two metrics, one plot by rating, one of costs; curves per recipe; reliability of the one with labels.
    assert html.count("<svg") == 2 * (2 + 1 + 1) + 3 + 1
    assert html.count('class="prompt"') == 3 * 10


def test_same_reports_same_bytes(project, monkeypatch):
    monkeypatch.chdir(project)
    compare.main(*words("reports", to="again"))
    made = [path.relative_to("again") for path in Path("again").rglob("*.*")]
    assert len(made) == 2 + 3 + 4
    for path in made:
        assert (project / "again" / path).read_bytes() == (project / "reports" / path).read_bytes()


def test_missing_and_broken_reports_are_named_together(project, tmp_path, monkeypatch):
    monkeypatch.chdir(project)
    reports = write(tmp_path / "reports")
    (reports / f"seconds/{LORA}.json").unlink()
    (reports / f"curves/{FULL}.json").write_text("[{")
    with pytest.raises(Refusal) as refused:
        compare.main(*words(str(reports), to=str(tmp_path / "c")))
    assert f"no seconds/{LORA}.json" in refused.value.found and f"curves/{FULL}.json is not JSON" in refused.value.found
    assert not (tmp_path / "c").exists()


def test_a_metric_without_base_or_baseline_is_drawn_without_them():
    recipes = params.load(ROOT / "params.yaml").recipes
    reports = {stage: {LABEL: {}} for stage in compare.OF_RECIPE}
    reports["evaluate"][LABEL] = evaluated(LABEL, "accuracy", 0.8, None) | {"base": {"metrics": {}}, "baselines": {}}
    reports["train"][LABEL] = {"trainable_parameters": 7, "overfitting": None, "size_bytes": 1}
    reports["tokenize"][LABEL], reports["seconds"][LABEL] = {"rows": {}}, {"train_seconds": 1.0}
    reports["seconds"][LABEL] |= {"tokens_per_second": 1.0, "peak_mib": 1.0, "peak_gpu_mib": None}
    reports["speed"][LABEL] = {}
    joined = compare.compare("sample", {LABEL: recipes[LABEL]}, reports, [])
    assert "var(--s1)" in page._panels("sentiment_label", joined["recipes"])[0]
    assert table.lines(joined)[-1].split()[-2:] == ["–", "–"]


def test_the_best_baseline_of_an_error_is_the_lowest():
    entry = {"recipe": "x", "metrics": {"off_label": metric(0.1)}, "base": {},
             "baselines": {"a": {"off_label": metric(0.4)}, "b": {"off_label": metric(0.2)}}}  # fmt: skip
    assert page._bar("x", entry, "off_label")["baseline"] == 0.2
    assert page._bar("x", json.loads(json.dumps(entry).replace("off_label", "accuracy")), "accuracy")["baseline"] == 0.4


def test_seeds_of_one_recipe_show_its_spread():
    recipe = params.load(ROOT / "params.yaml").recipes[LABEL]
    recipes = {"a": recipe, "b": recipe.model_copy(update={"replicates": "a"}), "c": recipe}
    reports = {stage: {} for stage in compare.OF_RECIPE} | {"evaluate": {
        name: evaluated(LABEL, "accuracy", value, None) for name, value in (("a", 0.8), ("b", 0.83), ("c", 0.1))
    }}  # fmt: skip
    assert compare._spread("a", recipes, reports) == {
        "seeds": 2,
        "mean": 0.815,
        "low": 0.8,
        "high": 0.83,
        "sd": 0.021213,
    }
    assert compare._spread("c", recipes, reports) is compare._spread("b", recipes, reports) is None


def test_table_prints_one_line_per_recipe_and_where_the_reports_lie(project):
    command = [sys.executable, "-X", "importtime", "-m", "stages.table", "reports/comparison.json"]
    done = subprocess.run(
        command,
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[2].split() == [
        FULL, "review_generation", "full", "1,234,567", "tone_agreement", "0.740", "[0.690,", "0.790]",
        "0.450", "retrieval", "0.210",
    ]  # fmt: skip
    assert len(lines) == 2 + 3 + 2 and lines[-1] == "page reports/comparison.html · reports reports/"
    heavy = ("polars", "pydantic", "matplotlib", "jinja2", "yaml", "numpy")
    assert not re.search(rf"\| +({'|'.join(heavy)})\b", done.stderr)  # it has to answer at once


def test_table_refuses_what_is_no_comparison(tmp_path):
    with pytest.raises(Refusal, match="no such file"):
        table.main(str(tmp_path / "comparison.json"))
    (tmp_path / "comparison.json").write_text('{"recipes": [{}]}')
    with pytest.raises(Refusal, match="KeyError"):
        table.main(str(tmp_path / "comparison.json"))
