"""Overlays laid over params.yaml in a folder of the test's own; and the overlays that come with the project."""

import re
from pathlib import Path

import pytest
import yaml

from stages import params
from stages import profile as stage
from stages.refusal import Refusal

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "profiles").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def overlay(text: str, name: str = "mine") -> bytes:
    Path(f"profiles/{name}.yaml").write_text(text, encoding="utf-8")
    return Path("params.yaml").read_bytes()


def test_a_section_is_replaced_whole_and_the_others_stay(project, capsys):
    before = yaml.safe_load(overlay("publish: {}\nprofile:\n  mine: {report: comparison.mine}\nseed: 7\n"))
    stage.main("mine")
    after = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    assert after == before | {"publish": {}, "profile": {"mine": {"report": "comparison.mine"}}, "seed": 7}
    assert list(after) == list(before)
    assert params.load().seed == 7
    assert Path("params.yaml").read_text(encoding="utf-8").startswith("# params.yaml with profiles/mine.yaml laid over")
    assert capsys.readouterr().out == "profile mine: publish, profile, seed laid over params.yaml; " + (
        "run it with `make repro`\n"
    )


def test_small_numbers_stay_numbers_to_every_reader_of_yaml(project):
    overlay("seed: 7\n")
    stage.main("mine")
    rates = re.findall(r"\blr: (\S+?)[,\s}]", Path("params.yaml").read_text())
    assert rates and all("." in one for one in rates)  # 5.0e-05: without its dot a text to PyYAML
    assert all(isinstance(yaml.safe_load(one), float) for one in rates)


@pytest.mark.parametrize("name", ["", "imbd", "../mine"])
def test_an_unknown_name_lists_those_there_are(project, name):
    before = overlay("seed: 7\n", "imdb")
    overlay("seed: 8\n", "nsmc")
    with pytest.raises(Refusal) as refusal:
        stage.main(name)
    assert refusal.value.found == repr(name)
    assert refusal.value.do == "make profile P=<one of: imdb, nsmc>"
    assert Path("params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "found", "where"),
    [
        ("seed: 1\n\tx: 2\n", "found character '\\t' that cannot start any token", "profiles/mine.yaml, line 2"),
        ("", "NoneType", "profiles/mine.yaml"),
        ("- seed\n", "list", "profiles/mine.yaml"),
        ("sede: 1\n", "sede: unknown key; write seed", "profiles/mine.yaml"),
        ("seed: high\n", "seed: found 'high'", "profiles/mine.yaml"),
        ("judges:\n  nowhere: {base: bases/places-t5, rows: 5}\n", "nowhere", "profiles/mine.yaml"),
    ],
)
def test_a_broken_overlay_is_refused_and_leaves_the_settings_as_they_were(project, text, found, where):
    before = overlay(text)
    with pytest.raises(Refusal) as refusal:
        stage.main("mine")
    assert found in refusal.value.found
    assert refusal.value.where.startswith(where)
    assert Path("params.yaml").read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "profiles"]


def test_settings_that_are_broken_already_are_refused(project):
    overlay("seed: 7\n")
    Path("params.yaml").write_text("seed: [\n")
    with pytest.raises(Refusal, match=r"params\.yaml, line 2"):
        stage.main("mine")


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda path: path.stem)
def test_each_profile_of_the_project_is_valid(project, path):
    overlay(path.read_text(encoding="utf-8"), path.stem)
    stage.main(path.stem)
    settings = params.load()
    assert list(settings.profile) == [path.stem]
    assert settings.profile[path.stem].report == f"comparison.{path.stem}", "it leaves the sample's comparison alone"


def test_what_the_seeds_replicate_is_what_params_has():
    default, seeds = (params.read(ROOT / path)["recipes"] for path in ("params.yaml", "profiles/seeds.yaml"))
    firsts = {name: recipe for name, recipe in seeds.items() if "replicates" not in recipe}
    assert firsts == {name: default[name] for name in firsts} and len(seeds) == 3 * len(firsts) > 0
