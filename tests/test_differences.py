import pytest

from stages.differences import AROUND, CHANGES, differences, visible


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("so so", "so so", [("same", "so so")]),
        ("a b c", "a x c", [("same", "a "), ("gone", "b"), ("new", "x"), ("same", " c")]),
        ("gone", "", [("gone", "gone")]),
        ("a\u200bb", "ab", [("gone", "a⟨U+200B⟩b"), ("new", "ab")]),
    ],
)
def test_texts_are_told_apart_by_words(before, after, pieces):
    assert differences(before, after) == pieces


def test_both_texts_can_be_read_back_from_the_pieces():
    before, after = "Ждали  час, <b>суп</b> остыл!!!!!", "Ждали час, суп остыл!!!"
    pieces = differences(before, after)
    assert "".join(text for kind, text in pieces if kind != "new") == before
    assert "".join(text for kind, text in pieces if kind != "gone") == after


def test_long_equal_stretches_and_many_changes_are_cut():
    pieces = differences("слово " * 50 + "a", "слово " * 50 + "b")
    assert pieces[0][0] == "same" and len(pieces[0][1]) <= AROUND + 3 and "…" in pieces[0][1]
    many = differences(" ".join("ab" * 20), " ".join("ac" * 20))
    assert many[-1] == ("same", "…") and sum(kind == "gone" for kind, _ in many) == CHANGES


def test_what_shows_nothing_is_spelled_out():
    assert visible("a b\n\u00a0") == "a b⟨U+000A⟩⟨U+00A0⟩"
