"""The manifest of a release, and which generators may be sent."""

import json
from pathlib import Path

import pytest

from stages import sending
from stages.refusal import Refusal

ASKED = {"rows": 3, "span": 5}
PREDICT = {"sample": True}


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "README.md").write_text(f"revision={sending.TAG}, {sending.TAG}")
    (folder / "model.safetensors").write_bytes(b"weights " + sending.TAG.encode())
    origin = {"probe": ASKED, "base_sha256": {"b": "1"}, "recipe": {"predict": PREDICT}}
    (folder / "provenance.json").write_text(json.dumps(origin))
    (folder / "manifest.json").write_text(json.dumps(sending.manifest(folder)))
    return folder


def test_the_manifest_lists_every_other_file_sorted(folder):
    told = sending.manifest(folder)
    assert list(told) == ["README.md", "model.safetensors", "provenance.json"]
    # printf 'revision=git-000000000000, git-000000000000' | sha256sum
    assert told["README.md"] == {
        "sha256": "bb63f9ca264a3d9f6e90dcd5b23a200654b56b05717393343ddf85ad7ca8df3f",
        "size": 43,
    }


# --- the probe -------------------------------------------------------------------------------------------------------


def report(folder: Path, **changes) -> Path:
    path = folder.parent / "probe.json"
    weights = {"model.safetensors": sending.manifest(folder)["model.safetensors"]["sha256"]}
    told = {
        "asked": ASKED, "rows": 3, "exhausted": False, "weights": weights, "base_sha256": {"b": "1"},
        "predict": PREDICT, "memorised": 0, "personal": 0, "passed": True,
    }  # fmt: skip
    path.write_text(json.dumps(told | changes))
    return path


def test_a_generator_that_was_probed_may_be_sent(folder):
    sending.cleared(folder, report(folder))
    sending.cleared(folder, report(folder, rows=2, exhausted=True))


def test_of_what_writes_no_free_text_nothing_is_asked(folder):
    (folder / "provenance.json").write_text(json.dumps({"probe": None}))
    sending.cleared(folder, folder / "none.json")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"weights": {"model.safetensors": "0"}}, "one on others"),
        ({"weights": {}}, "one on others"),
        ({"base_sha256": {"b": "2"}}, "one on others"),
        ({"predict": {"sample": False}}, "one on texts written with {'sample': False}"),
        ({"asked": {"rows": 3, "span": 50}}, "3 texts, bounds {'rows': 3, 'span': 50}"),
        ({"rows": 2}, "2 texts, bounds {'rows': 3, 'span': 5}"),
        ({"passed": False, "memorised": 1}, "1 memorised, 0 with personal data"),
        ({"passed": None}, "0 memorised, 0 with personal data"),
    ],
)
def test_any_other_is_not(folder, changes, found):
    with pytest.raises(Refusal) as refused:
        sending.cleared(folder, report(folder, **changes))
    assert refused.value.found == found


def test_one_that_was_not_probed_is_told_how(folder):
    with pytest.raises(Refusal) as refused:
        sending.cleared(folder, folder / "none.json")
    assert refused.value.expected == "a report on 3 generated texts" and "stages.probe" in refused.value.do
