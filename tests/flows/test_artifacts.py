"""flows.artifacts: what the UI shows, read back from a real server; and how often, and how it is escaped."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import artifacts

ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script> | [x](javascript:alert(1)) ![](http://h/p.png) **b** `c`\n# head"


def line(percent: int, step: int, steps: int) -> str:
    return f"{percent:3d}%|{'█' * (percent // 10):10}| {step}/{steps} [00:01<00:10, 17.1it/s]"


def test_text_renders_as_itself():
    shown = artifacts.text(EVIL)
    assert "<" not in shown and "\n" not in shown
    assert shown == (
        r"&lt;script&gt;alert\(1\)&lt;/script&gt; \| \[x\]\(javascript:alert\(1\)\) \!\[\]\(http://h/p.png\) "
        r"\*\*b\*\* \`c\` \# head"
    )
    assert [artifacts.text(one) for one in (None, 0.25, 19090.0, 3)] == ["–", "0.25", "19,090", "3"]


@pytest.fixture
def shown(monkeypatch):
    """A clock to turn, and what reached the server by then."""
    now = SimpleNamespace(time=0.0, sent=[], fails=False, warned=[])

    def send(*words):
        if now.fails:
            raise OSError("no server")
        now.sent.append(words)
        return "id"

    monkeypatch.setattr(artifacts.time, "monotonic", lambda: now.time)
    monkeypatch.setattr(artifacts, "create_progress_artifact", send)
    monkeypatch.setattr(artifacts, "update_progress_artifact", send)
    now.progress = artifacts.Progress("train@a_b", lambda *words: now.warned.append(words))
    return now


def test_progress_is_told_once_in_some_seconds_and_at_the_end(shown):
    for step in range(100):
        shown.time = step / 10
        shown.progress(line(step, step, 100))
    shown.progress(line(100, 100, 100))
    assert shown.sent == [(0.0, "progress-train-a-b", r"train@a\_b"), ("id", 50.0), ("id", 100.0)]


def test_a_validations_bar_is_not_the_trainings(shown):
    shown.progress("Map: 100%|██████████| 999/999 [00:01<00:00]")
    shown.progress("loss 12% | of nothing")
    shown.progress(line(10, 20, 200))
    shown.time = 9
    shown.progress(line(100, 7, 7))
    shown.progress(line(50, 100, 200))
    assert [words[-1] if words[0] == "id" else words[0] for words in shown.sent] == [10.0, 50.0]


def test_no_server_is_no_reason_to_fail(shown):
    shown.fails = True
    shown.progress(line(0, 0, 10))
    shown.progress(line(10, 1, 10))
    assert len(shown.warned) == 1 and not shown.sent


def test_the_projects_own_reports_can_be_shown():
    """What compare and validate write today, for a report that changes shape would leave the UI without a word."""
    commands = {"compare@sample": [str(ROOT / "data/reports/comparison.json")],
                "validate@places": [str(ROOT / "data/reports/validate/places.json")]}  # fmt: skip
    [(kind, name, data, _)] = artifacts.comparisons(commands)
    assert (kind, name) == ("table", "comparison")
    assert r"review\_generation-places-full" in [row["recipe"] for row in json.loads(data)]
    [(kind, name, data, _)] = artifacts.validations(commands)
    assert (kind, name) == ("markdown", "validation") and "## places: passed" in data
    assert re.search(r"\| met \| rows \| [\d,]+ \| [\d,]+ \| – \| rows \| sources\.places\.validate\.rows \|", data)


RECIPE = {
    "recipe": EVIL, "task": "t", "method": "full", "trainable_parameters": 1234, "headline": "accuracy", "base": {},
    "metrics": {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}}, "baselines": {},
}  # fmt: skip
VERDICT = {"name": "rows", "observed": 5.0, "bound": {"low": 10.0, "high": None}, "unit": EVIL, "critical": True}
VERDICTS = [VERDICT | {"passed": passed, "address": "sources.x.validate.rows"} for passed in (True, False)]
REPORT = {"passed": False, "rows_in": 5, "expectations": VERDICTS}
COPY = "import shutil, sys; [shutil.copy(f'given-{name}', name) for name in sys.argv[1:]]"


def test_the_server_gives_them_back(project, server):
    bars = "\n".join(line(step * 10, step, 10) for step in range(11))
    project(
        {
            "compare": {"cmd": "python giving.py results.json page.html", "outs": ["results.json", "page.html"]},
            "validate": {"cmd": "python giving.py gate.json", "outs": ["gate.json"]},
            "train": {"cmd": "cat bars.txt", "deps": ["bars.txt"]},
            "broken": {"cmd": "false"},
        },
        **{
            "giving.py": COPY, "bars.txt": bars + "\n", "given-page.html": "<p>",
            "given-results.json": json.dumps({"recipes": [RECIPE]}), "given-gate.json": json.dumps(REPORT),
        },
    )  # fmt: skip
    command = [sys.executable, "-m", "flows.pipeline"]
    done = subprocess.run(command, env=server, capture_output=True, text=True, timeout=120)
    output = done.stdout + done.stderr
    assert "in the UI" not in output, output
    run_id = output.partition("/runs/flow-run/")[2][:36]
    assert done.returncode == 1 and run_id, output
    body = json.dumps({"artifacts": {"flow_run_id": {"any_": [run_id]}}}).encode()
    head = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{server['PREFECT_API_URL']}/artifacts/filter", body, head)
    with urllib.request.urlopen(asked) as answer:
        told = {one["key"]: one for one in json.load(answer) if one["key"]}
    assert {name: one["type"] for name, one in told.items()} == {
        "results": "table", "validation": "markdown", "page-compare": "markdown", "progress-train": "progress",
    }  # fmt: skip
    assert float(told["progress-train"]["data"]) == 100
    assert told["page-compare"]["data"] == f"[page.html]({Path('page.html').absolute().as_uri()})"
    [row] = json.loads(told["results"]["data"])
    assert row["recipe"] == artifacts.text(EVIL)
    assert row["metric [95% interval]"] == r"accuracy 0.500 \[0.400, 0.600\]" and row["trainable"] == "1,234"
    lines = told["validation"]["data"].splitlines()
    assert lines[0] == "## gate: refused" and "5 rows, 1 of 2 expectations met" in lines
    assert lines[-2].startswith("| refused | rows | 5 | 10 | – | ") and lines[-1].startswith("| met | rows")
    assert "<script>" not in str(told) and "](javascript" not in str(told)
