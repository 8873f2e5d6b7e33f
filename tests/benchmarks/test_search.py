"""What `dvc exp show` tells of a search: trials ranked, those without a result left out."""

from benchmarks import search

RECIPE = "r"


def trial(name: str, loss: float | None, recipe: str = RECIPE) -> dict:
    report = {"trainable_parameters": 8, "steps": 5, "validation_loss": {"best": loss}}
    method = {"rank": 4, "alpha": 16, "targets": ["q", "v"], "lr": 0.001, "epochs": 1}
    metrics = {f"data/reports/train/{recipe}.json": {"data": report}} if loss else {}
    params = {"params.yaml": {"data": {"recipes": {recipe: {"method": method}}}}}
    return {"name": name, "revs": [{"rev": name, "data": {"metrics": metrics, "params": params}}]}


def test_trials_are_ranked_and_those_without_a_report_left_out():
    failed = {"name": "broken", "revs": [{"rev": "broken", "data": None, "error": {"msg": "no"}}]}
    told = [
        {"rev": "workspace", "experiments": None},
        {"rev": "main", "experiments": [trial("b", 2.0), failed, trial("queued", None), trial("a", 1.5)]},
        {"rev": "other", "experiments": [trial("c", 1.0, "another")]},
    ]
    found = search.shown(told, RECIPE)
    assert [one["experiment"] for one in found] == ["a", "b"]
    assert found[0] == {
        "rank": 4, "alpha": 16, "targets": "q v", "lr": 0.001, "trainable_parameters": 8, "steps": 5,
        "validation_loss": 1.5, "experiment": "a",
    }  # fmt: skip
