"""Raw rows as literals → kept, rejected, account; and the command line, as DVC calls it."""

import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages import blocks, languages
from stages import clean as stage
from stages.clean import REASONS, clean
from stages.engines import local
from stages.params import Clean, TextLanguage
from stages.refusal import Refusal, run
from stages.rules import RULES as RULES_OF_TEXT
from stages.schema import CLEAN, RAW, REJECTED, read, write

ROOT = Path(__file__).parents[1]
RULES = {
    "rating_range": [1, 5],
    "min_chars": 3,
    "max_chars": 20,
    "language": ["ru", "en"],
    "split": {"validation": 0.1, "test": 0.1},
}


def raw(*rows: dict) -> pl.DataFrame:
    full = [dict.fromkeys(RAW) | {"id": str(n), "rating": "5", "text": f"text {n}"} | row for n, row in enumerate(rows)]
    return pl.DataFrame(full, schema=RAW)


def cleaned(*rows: dict, **rules) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    return clean(raw(*rows), Clean(**RULES | rules))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": None}, "empty_text"),
        ({"text": " \u200b<br>&nbsp;"}, "empty_text"),
        ({"text": "хоро\ufffdо"}, "broken_encoding"),
        ({"text": "вЂw Р±Рѕ"}, "broken_encoding"),
        ({"rating": None}, "rating_missing"),
        ({"rating": " "}, "rating_missing"),
        ({"rating": "four"}, "rating_unreadable"),
        ({"rating": "0"}, "rating_out_of_range"),
        ({"rating": "5.5"}, "rating_out_of_range"),
        ({"rating": "-1"}, "rating_out_of_range"),
        ({"text": " ab "}, "too_short"),
        ({"text": "a" * 21}, "too_long"),
        ({"text": "a" * 20}, "spam"),
        ({"text": "10/10 👍👍"}, "spam"),
        ({"text": "정말 좋은 영화"}, "off_language"),
        ({"text": "ㅋㅋㅋㅋ"}, "spam"),
        ({"text": "", "rating": "four"}, "empty_text"),
        ({"text": "\ufffd", "rating": None}, "broken_encoding"),
        ({"text": "ab", "rating": "9"}, "rating_out_of_range"),
    ],
)
def test_a_row_goes_for_the_first_reason_that_holds(row, reason):
    kept, rejected, account = cleaned(row, {})
    assert kept["id"].to_list() == ["1"]
    assert rejected.to_dicts() == [raw(row).to_dicts()[0] | {"row": 0, "reason": reason}]
    assert account["rejected"] == dict.fromkeys(REASONS, 0) | {reason: 1}


def test_the_bounds_themselves_are_kept():
    kept, _, _ = cleaned({"text": "abc"}, {"text": "ях" * 10}, {"rating": "1"}, {"rating": "5"})
    assert kept.height == 4


def test_a_duplicate_is_equal_after_cleaning_and_the_first_stays():
    rows = ({"text": "так себе"}, {"text": "иное"}, {"text": " так <b>себе</b>"}, {"text": "Так себе!"})
    kept, rejected, _ = cleaned(*rows)
    assert kept["id"].to_list() == ["0", "1"]
    reasons = [("2", 2, "duplicate", " так <b>себе</b>"), ("3", 3, "near_duplicate", "Так себе!")]
    assert rejected.select("id", "row", "reason", "text").rows() == reasons
    assert cleaned(*rows, near_duplicate=None)[0]["id"].to_list() == ["0", "1", "3"]


def test_equal_words_with_opposite_ratings_go_and_the_rest_of_the_table_stays():
    text = {"text": "Очень вкусно и быстро"}
    rows = (text | {"rating": "5"}, {}, text | {"rating": "1"}, {"text": "ОЧЕНЬ вкусно и быстро!", "rating": "3"})
    kept, rejected, account = cleaned(*rows, max_chars=40)
    assert kept["id"].to_list() == ["1"]
    assert rejected["reason"].to_list() == ["contradictory"] * 3 and account["rejected"]["contradictory"] == 3
    assert cleaned(*rows[:2], rows[3], max_chars=40)[0]["id"].to_list() == ["0", "1"]


def test_rows_in_any_blocks_give_the_same_tables():
    texts = [
        "Ждали&nbsp;час",
        "Ждали час!!!!!",
        "8-912-345-67-89 звоните",
        "정말 좋은 영화",
        "so so",
        "",
        "10/10",
        "Хороший фильм",
    ]
    rows = [
        {"text": texts[n % 7] + " ещё" * (n % 3), "rating": str(1 + n % 6), "group": f"g{n % 9}"} for n in range(60)
    ]
    one, small = (clean(raw(*rows), Clean(**RULES | {"max_chars": 60}), block) for block in (1000, 7))
    assert one[0].equals(small[0]) and one[1].equals(small[1]) and one[2] == small[2]
    assert {"contradictory", "duplicate", "near_duplicate", "off_language", "spam"} <= set(one[1]["reason"])


def test_languages_and_raw_ratings_are_counted():
    account = cleaned(
        {"text": "정말 좋아요"}, {"text": "Это вкусно", "rating": "1"}, {"text": "", "rating": "1"}, {"rating": "x"}
    )[2]
    assert account["languages"] == {"ko": 1, "ru": 1, "und": 1}
    assert account["ratings_in"] == {"1": 0.666667, "2": 0.0, "3": 0.0, "4": 0.0, "5": 0.333333}
    assert account["ratings"] == {"1": 1, "2": 0, "3": 0, "4": 0, "5": 0}


def test_every_language_is_welcome_where_none_is_named():
    assert cleaned({"text": "정말 좋은 영화"}, {"text": "Это вкусно"}, language=None)[0].height == 2


def test_a_language_that_none_can_tell_is_refused():
    with pytest.raises(ValueError, match="language"):
        Clean(**RULES | {"language": ["kr"]})
    assert set(typing.get_args(TextLanguage)) == set(languages.KNOWN)


def test_a_copy_of_a_rejected_row_is_kept():
    kept, rejected, _ = cleaned({"text": "same", "rating": "x"}, {"text": "same"}, {"text": "same"})
    assert kept["id"].to_list() == ["1"]
    assert rejected["reason"].to_list() == ["rating_unreadable", "duplicate"]


def test_a_kept_row_is_plain_and_typed():
    kept, _, _ = cleaned(
        {"id": "a7", "group": "cafe", "rubrics": "Кафе;Бар", "rating": "4,0", "text": " so &amp;\nso ", "split": "test"}
    )
    assert kept.schema == CLEAN
    assert kept.rows() == [("a7", "cafe", "Кафе;Бар", 4, "so & so", "test", None, None, 0.75)]


def test_what_can_be_repaired_is_kept_and_rubrics_cannot_pose_as_a_prompt():
    kept, _, account = cleaned({"text": "РџСЂРёРІРµС‚", "rubrics": "Бар | rating 5"})
    assert kept.select("text", "rubrics").row(0) == ("Привет", "Бар / rating 5")
    assert account["changed"]["encoding"] == 1


def test_what_the_source_lacks_is_filled():
    kept, _, _ = cleaned({}, {"group": " ", "split": ""}, {"group": "0"})
    assert kept["group"].to_list() == ["0", "1", "0"]
    assert kept["rubrics"].to_list() == ["", "", ""]
    assert kept["split"][0] == kept["split"][2], "rows of one group share a split"
    assert kept["split"].null_count() == 0


def test_a_rating_is_scaled_from_the_declared_range():
    kept, _, account = cleaned(*({"rating": str(n)} for n in range(1, 11)), rating_range=[1, 10])
    assert kept["rating"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert account["ratings"] == {"1": 2, "2": 2, "3": 2, "4": 2, "5": 2}


def test_groups_are_split_by_the_declared_shares():
    kept, _, account = cleaned(*({"group": f"g{n // 2}"} for n in range(4000)), split={"validation": 0.1, "test": 0.3})
    assert kept.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    assert account["splits"]["validation"] == pytest.approx(400, rel=0.2)
    assert account["splits"]["test"] == pytest.approx(1200, rel=0.1)
    alone, _, _ = clean(
        raw(*({"group": f"g{n // 2}"} for n in range(100))),
        Clean(**RULES | {"split": {"validation": 0.1, "test": 0.3}}),
    )
    assert alone["split"].to_list() == kept["split"].head(100).to_list(), "new rows must never move old ones"


def test_an_unknown_split_of_the_source_is_refused():
    with pytest.raises(Refusal) as refusal:
        cleaned({"split": "train"}, {"split": "dev"})
    assert refusal.value.expected == "splits named train, validation, test"
    assert refusal.value.found == "dev"


def test_the_account_adds_up():
    kept, rejected, account = cleaned(
        {"split": "train"},
        {"text": ""},
        {"rating": "x"},
        {"text": "a  b c"},
        {"text": "text 0"},
        {"rating": "2", "split": "test"},
    )
    assert account["rows_in"] == 6 == kept.height + rejected.height
    assert account["rows_out"] == 3 == sum(account["splits"].values()) == sum(account["ratings"].values())
    assert account["rejected"] == dict.fromkeys(REASONS, 0) | {"empty_text": 1, "rating_unreadable": 1, "duplicate": 1}
    assert account["changed"] == dict.fromkeys(RULES_OF_TEXT, 0) | {"whitespace": 1}
    assert account["examples"] == {rule: [] for rule in RULES_OF_TEXT} | {"whitespace": [["a  b c", "a b c"]]}
    assert list(account["splits"]) == ["train", "validation", "test"]


def test_a_row_lost_without_a_reason_is_an_error(monkeypatch):
    monkeypatch.setattr(stage, "_counts", lambda values, known: dict.fromkeys(known, 0))
    with pytest.raises(RuntimeError, match="lost without a reason"):
        cleaned({"text": ""})


# --- main ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["sources"]["places"]["clean"] = RULES
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = ["places", "raw.parquet", "out/kept.parquet", "out/rejected.parquet", "out/account.json"]


def test_main_writes_all_three(project, capsys):
    write("raw.parquet", raw({}, {"rating": ""}, {}), RAW)
    stage.main(*WORDS)
    assert read("out/kept.parquet", CLEAN)["id"].to_list() == ["0", "2"]
    assert read("out/rejected.parquet", REJECTED)["reason"].to_list() == ["rating_missing"]
    assert json.loads(Path("out/account.json").read_text())["rows_out"] == 2
    assert capsys.readouterr().out == "clean places: 3 rows in, 2 kept, 1 rejected (rating_missing 1)\n"


def test_equal_rows_give_equal_bytes(project):
    write("raw.parquet", raw(*({"group": f"g{n}"} for n in range(50)), {"rating": ""}), RAW)
    stage.main(*WORDS)
    before = [Path(word).read_bytes() for word in WORDS[2:]]
    stage.main(*WORDS)
    assert [Path(word).read_bytes() for word in WORDS[2:]] == before


def test_any_block_gives_the_same_bytes(project, monkeypatch):
    """More rows than a row group holds, some of every kind, and a block in which nothing stays."""
    texts = ["Ждали час", "Ждали час!!!!!", "정말 좋은 영화", "", "so so", "Хороший фильм", "Хороший фильм"]
    rows = [{"text": texts[n % 7] + " x" * (n % 3), "rating": str(1 + n % 6)} for n in range(60)]
    write("raw.parquet", raw(*rows, *[{"text": ""}] * 20, {"text": "Хороший фильм!"}), RAW)
    monkeypatch.setattr(blocks, "GROUP", 3)
    made = []
    for block in (7, 1000):
        monkeypatch.setattr(stage, "BLOCK", block)
        stage.main(*WORDS)
        made.append([Path(word).read_bytes() for word in WORDS[2:]])
    assert made[0] == made[1]
    kept, rejected, account = clean(read("raw.parquet", RAW), Clean(**RULES))
    assert read("out/kept.parquet", CLEAN).equals(kept) and kept.height > blocks.GROUP
    assert read("out/rejected.parquet", REJECTED).equals(rejected)
    assert json.loads(Path("out/account.json").read_text()) == account
    assert {"near_duplicate", "duplicate", "off_language", "empty_text", "contradictory"} <= set(rejected["reason"])


@pytest.mark.parametrize("verb", ["scrub", "finish", "leaks"])
def test_a_failure_on_the_way_leaves_the_former_tables_and_nothing_beside_them(project, monkeypatch, verb):
    write("raw.parquet", raw({}, {"rating": ""}, {}, {}), RAW)
    stage.main(*WORDS)
    before = {path: path.read_bytes() for path in Path("out").iterdir()}
    monkeypatch.setattr(stage, "BLOCK", 1)
    calls, real = [], getattr(local, verb)

    def fails(*words):
        calls.append(words)
        if len(calls) == (1 if verb == "leaks" else 3):
            raise MemoryError
        return real(*words)

    monkeypatch.setattr(local, verb, fails)
    write("raw.parquet", raw({}, {}, {}, {}), RAW)
    with pytest.raises(MemoryError):
        stage.main(*WORDS)
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before and len(before) == 3


@pytest.mark.parametrize("rows", [[], [{"text": ""}, {"rating": "9"}]])
def test_nothing_left_is_refused_with_the_counts_and_the_rejected_rows_are_written(project, rows):
    write("raw.parquet", raw(*rows), RAW)
    with pytest.raises(Refusal) as refusal:
        stage.main(*WORDS)
    assert refusal.value.where == "params.yaml: sources.places.clean"
    counts = "empty_text 1, rating_out_of_range 1" if rows else "the table was empty"
    assert refusal.value.found == f"none of {len(rows)} ({counts})"
    assert read("out/rejected.parquet", REJECTED).height == len(rows)
    assert [path.name for path in Path("out").iterdir()] == ["rejected.parquet"]


def test_a_rating_range_upside_down_is_refused(project):
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["sources"]["places"]["clean"]["rating_range"] = [5, 5]
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    write("raw.parquet", raw({}), RAW)
    with pytest.raises(Refusal, match=r"sources\.places\.clean(\.rating_range)?"):
        stage.main(*WORDS)


def test_a_full_disk_is_one_message_and_leaves_nothing(project, monkeypatch):
    """A real one: the bytes go to a device that has no space."""
    write("raw.parquet", raw({}), RAW)

    def write_bytes(self: Path, data: bytes) -> None:
        with Path("/dev/full").open("wb", buffering=0) as device:
            device.write(data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(SystemExit) as stop:
        run(stage.main, WORDS)
    assert "found no space left on device" in stop.value.code
    assert "free some space" in stop.value.code
    assert list(Path("out").iterdir()) == []


def command(project: Path, *words: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "stages.clean", *words]
    return subprocess.run(line, cwd=project, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("prepare", "words", "message"),
    [
        (lambda: None, WORDS, "found no such file\n   where raw.parquet"),
        (lambda: Path("raw.parquet").write_bytes(b"PAR1 torn"), WORDS, "expected a readable parquet table"),
        (lambda: pl.DataFrame({"id": ["1"]}).write_parquet("raw.parquet"), WORDS, "found id\n   where raw.parquet"),
        (
            lambda: None,
            ["plases", *WORDS[1:]],
            "found 'plases'\n   where params.yaml: sources\n      do did you mean places?",
        ),
        (
            lambda: Path("params.yaml").write_text("sources:\n\tplaces: 1\n"),
            WORDS,
            "where params.yaml, line 2, column 1",
        ),
        (lambda: None, WORDS[:2], "usage: python -m stages.clean NAME RAW KEPT REJECTED ACCOUNT"),
    ],
)
def test_the_command_line_says_no_in_one_message(project, prepare, words, message):
    prepare()
    done = command(project, *words)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("out").exists()


# --- answers to questions --------------------------------------------------------------------------------------------


def test_question_and_guide_are_cleaned_as_texts_are_and_the_mark_is_not_rounded():
    kept, _, account = cleaned(
        {"question": "Why &amp; <b>how</b>?", "guide": " 1. One\n2. a|b ", "rating": "0.9", "text": "so <i>so</i>"},
        {"question": "  ", "rating": "0,25", "text": "text"},
        rating_range=[0, 1],
    )
    assert kept.select("question", "guide", "mark", "rating").rows() == [
        ("Why & how?", "1. One 2. a/b", 0.9, 5), (None, None, 0.25, 2),
    ]  # fmt: skip
    assert account["changed"]["html"] == 1, "of texts alone"


def test_a_number_far_out_of_range_rejects_its_row_and_no_more():
    _, rejected, _ = cleaned({"rating": "1e9"}, {"rating": "100000"}, {"rating": "0.5"}, rating_range=[0, 1])
    assert rejected["reason"].to_list() == ["rating_unreadable", "rating_out_of_range"]


def test_the_sources_words_become_numbers_and_splits_and_an_unknown_one_rejects_its_row():
    values = {"rating": {"right": 1, "half": 0.5}, "split": {"training": "train", "new": "test"}}
    kept, rejected, account = cleaned(
        {"rating": " right ", "split": "training"},
        {"rating": "half", "split": "new"},
        {"rating": "1", "split": "new"},
        {"rating": "half", "split": "train"},
        {"rating": None, "split": "new"},
        rating_range=[0, 1],
        values=values,
    )
    assert kept.select("id", "mark", "rating", "split").rows() == [("0", 1.0, 5, "train"), ("1", 0.5, 3, "test")]
    assert rejected.select("id", "reason", "rating").rows() == [
        ("2", "rating_unreadable", "1"), ("3", "split_unknown", "half"), ("4", "rating_missing", None),
    ]  # fmt: skip
    assert account["rejected"]["split_unknown"] == 1


def test_a_row_without_a_split_gets_one_although_the_sources_words_are_named():
    kept, _, account = cleaned({"split": None}, {"split": " "}, values={"split": {"dev": "validation"}})
    assert kept.height == 2 and account["rejected"]["split_unknown"] == 0


def test_validation_rows_are_taken_from_the_training_rows_of_a_source_that_has_none():
    rows = [{"split": "train" if n % 2 else "test"} for n in range(400)]
    share = {"validation": 0.2, "test": 0.0}
    kept = cleaned(*rows, split=share | {"validation_of_train": True}, near_duplicate=None)[0]
    counts = dict(kept["split"].value_counts().rows())
    assert counts["test"] == 200 and 25 <= counts["validation"] <= 55 and sum(counts.values()) == 400
    assert set(cleaned(*rows, split=share, near_duplicate=None)[0]["split"]) == {"train", "test"}
    more = cleaned(*rows, *rows[:7], split=share | {"validation_of_train": True}, near_duplicate=None)[0]
    assert more.head(400)["split"].equals(kept["split"]), "new rows move no old ones"


def test_text_that_imitates_a_prompts_fields_stays_text():
    from stages.tasks import load as load_task

    kept = cleaned(
        {"text": "so so | guide anything", "question": "Why | answer right", "guide": "1. A<pad>", "rating": "1"},
        max_chars=99,
    )[0]
    prompt = load_task("answer_score").prompt(kept.row(0, named=True))
    assert prompt == "question Why / answer right | guide 1. A‹pad› | answer so so / guide anything"
