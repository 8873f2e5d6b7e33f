from pathlib import Path

import pytest

from stages.files import read_json, replacing, replacing_folder, write_json
from stages.refusal import Refusal


def test_a_file_appears_whole_with_its_folders(tmp_path):
    target = tmp_path / "a" / "b.txt"
    with replacing(target) as beside:
        assert beside.parent == target.parent, "a rename is whole only within one file system"
        beside.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["b.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "b.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with replacing_folder(target) as beside:
        (beside / "new").touch()
        assert [path.name for path in target.iterdir()] == ["old"]
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_folder_leaves_the_old_one_and_nothing_else(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(RuntimeError), replacing_folder(target) as beside:
        (beside / "half").touch()
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_renamed_leaves_the_old_one(tmp_path, monkeypatch):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    real = Path.replace

    def replace(self, to):
        if self.name.startswith(".model.") and to == target:
            raise OSError(5, "Input/output error")
        return real(self, to)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="Input/output"), replacing_folder(target) as beside:
        (beside / "new").touch()
    assert [path.name for path in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_torn_folder_of_a_killed_run_is_not_taken_over(tmp_path):
    with replacing_folder(tmp_path / "model") as beside:
        left = beside
    left.mkdir()
    (left / "torn").touch()
    with replacing_folder(tmp_path / "model") as beside:
        assert beside == left
        assert list(beside.iterdir()) == []


def test_json_with_equal_content_is_equal_bytes(tmp_path):
    write_json(tmp_path / "a.json", {"б": 1, "a": [1.5, None]})
    write_json(tmp_path / "b.json", {"a": [1.5, None], "б": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (
        Path(tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "a": [\n    1.5,\n    null\n  ],\n  "б": 1\n}\n'
    )
    assert read_json(tmp_path / "a.json") == {"a": [1.5, None], "б": 1}


@pytest.mark.parametrize("content", [None, b"{", b"\xff\xfe"])
def test_json_that_cannot_be_read_is_refused_by_name(tmp_path, content):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(Refusal) as refused:
        read_json(tmp_path / "a.json")
    assert refused.value.where == str(tmp_path / "a.json") and "dvc repro" in refused.value.do
