"""flows.slots: who may start, in which order; and what a declaration may not say."""

from pathlib import Path

import pytest
import yaml

from flows import dvc, slots
from stages import params
from stages.refusal import Refusal

ROOT = Path(__file__).parents[2]


def queue(*nodes: str, **flow: dict) -> slots.Slots:
    made = slots.Slots(params.Flow.model_validate(flow))
    for node in nodes:
        made.wait(node)
    return made


def test_as_many_start_as_there_are_cores_in_the_order_they_came():
    made = queue("a", "b", "c", slots={"cpu": 2})
    assert made.start() == ["a", "b"]
    assert made.start() == []
    made.end("a")
    assert made.start() == ["c"]


def test_what_most_nodes_follow_from_goes_first_and_of_equals_what_came_first():
    edges = {"a": set(), "b": set(), "c": set(), "x": {"c"}, "y": {"x"}, "z": {"b", "y"}}
    assert slots.followers(edges) == {"a": 0, "b": 1, "c": 3, "x": 2, "y": 1, "z": 0}
    made = slots.Slots(params.Flow.model_validate({"slots": {"cpu": 1}}), slots.followers(edges))
    order = []
    for node in ("a", "b", "c", "y"):
        made.wait(node)
    while started := made.start():
        order += started
        made.end(started[0])
    assert order == ["c", "b", "y", "a"]


def test_a_stage_declares_what_each_of_its_nodes_takes():
    flow = {"slots": {"cpu": 4, "gpu": 1, "memory": 8}, "stages": {"train": {"gpu": 1}, "merge": {"memory": 6}}}
    made = queue("train@a", "train@b", "merge@a", "merge@b", "other", **flow)
    assert made.start() == ["train@a", "merge@a", "other"]
    made.end("train@a")
    assert made.start() == ["train@b"]
    made.end("merge@a")
    assert made.start() == ["merge@b"]


def test_a_node_that_never_ran_frees_nothing():
    made = queue("a", "b", slots={"cpu": 1})
    made.end("cached")
    assert made.start() == ["a"]
    made.end("cached")
    assert made.start() == []


def test_what_fits_passes_what_does_not_but_not_for_ever():
    """A large node behind a small one that runs: without the rule small ones would take every core that falls free."""
    made = queue("first", "large", slots={"cpu": 2}, stages={"large": {"cpu": 2}})
    assert made.start() == ["first"]
    last, passed = "first", 0
    for number in range(20):
        made.wait(f"small@{number}")
        started = made.start()
        passed += len(started)
        made.end(last)
        last = started[-1] if started else last
        if not started:
            break
    assert passed == slots.PASSES
    assert made.start() == ["large"]
    made.end("large")
    assert made.start() == [f"small@{slots.PASSES}"]


def test_everything_ends_whatever_is_declared():
    flow = {"slots": {"cpu": 3, "gpu": 2, "memory": 5},
            "stages": {"a": {"cpu": 3}, "b": {"gpu": 2, "memory": 1}, "c": {"cpu": 2, "memory": 5}}}  # fmt: skip
    nodes = [f"{stage}@{number}" for number in range(7) for stage in "abcd"]
    made, running, ended = queue(*nodes, **flow), [], []
    while len(ended) < len(nodes):
        running += made.start()
        assert running, "nothing runs and nothing may start"
        ended.append(running.pop())  # the last to start ends first: the oldest hold their slots longest
        made.end(ended[-1])
    assert sorted(ended) == sorted(nodes)


def test_a_declaration_is_refused_with_its_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert slots.declared({"train"}).slots.cpu == 2  # nothing declared: two at a time, as ever
    write = Path("params.yaml").write_text

    write("flow: {slots: {cpu: 2}, stages: {train: {cpu: 3}, judge: {gpu: 9, cores: 1}}}")
    with pytest.raises(Refusal, match=r"- flow\.stages\.judge\.cores: unknown key; known here: cpu, gpu, mem"):
        slots.declared({"train", "judge"})
    write("flow: {slots: {cpu: 2}, stages: {train: {cpu: 3}, judge: {gpu: 9}}}")
    with pytest.raises(Refusal) as refusal:
        slots.declared({"train", "judge"})
    assert refusal.value.found.splitlines()[1:] == [
        "      - flow.stages.train.cpu: found 3, and flow.slots.cpu is 2; lower the one or raise the other",
        "      - flow.stages.judge.gpu: found 9, and flow.slots.gpu is 1; lower the one or raise the other",
    ]
    assert refusal.value.where == "params.yaml"
    write("flow: {stages: {trian: {cpu: 1}}}\nelsewhere: {is: not looked at}")
    with pytest.raises(dvc.NoPipeline, match=r"params.yaml: flow.stages.trian: no such stage in dvc.yaml; .* train"):
        slots.declared({"train"})
    write("flow: {slots: {cpu: 4}, stages: {train: {cpu: 3}}}")
    assert slots.declared({"train"}, 3).slots.cpu == 3
    with pytest.raises(dvc.NoPipeline, match=r"--workers 2 stands for flow.slots.cpu: flow.stages.train.cpu: found 3"):
        slots.declared({"train"}, 2)


def test_no_stage_of_the_project_watches_the_flow(monkeypatch):
    """Another number of slots makes nothing stale; and the project's own slots are as they always were: two at once."""
    watched = [one for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
               for one in stage["do"]["params"]]  # fmt: skip
    assert len(watched) > 30 and not [one for one in watched if str(one).partition(".")[0] == "flow"]
    monkeypatch.chdir(ROOT)
    made = slots.Slots(slots.declared(dvc.stages({})))
    for node in ("train@a", "pretrain@b", "predict@c", "clean@d"):
        made.wait(node)
    assert len(made.start()) == 2
