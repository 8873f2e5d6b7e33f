"""Prompts cut field by field: what is cut, in which order, and that no token more than needed goes."""

import pytest

from stages.models.fields import encode

ORDER = {"answer": 4, "guide": 6, "question": 2}
ROW = {
    "question": "Суп был холодный?",
    "guide": "Официант, кофе, десерт, пицца всем понравился.",
    "answer": "Пицца ждали целый час.",
}


def one(row: dict[str, str]) -> tuple[str, ...]:
    return (" | ".join(f"{name} {text}" for name, text in row.items() if text),)


def pair(row: dict[str, str]) -> tuple[str, ...]:
    return one({name: row[name] for name in ("question", "guide")}) + one({"answer": row["answer"]})


@pytest.fixture(params=["seq2seq", "encoder"])
def tokenizer(request, tokenizer_of):
    return tokenizer_of[request.param]


def size(tokenizer, *texts: str) -> int:
    return len(tokenizer(*texts)["input_ids"])


@pytest.mark.parametrize("join", [one, pair])
def test_what_fits_is_left_whole(tokenizer, join):
    whole = size(tokenizer, *join(ROW))
    ids, lengths, cut = encode(tokenizer, [ROW, ROW], join, ORDER, whole)
    assert ids == [tokenizer(*join(ROW))["input_ids"]] * 2 and lengths == [whole] * 2 and cut == [set(), set()]


@pytest.mark.parametrize("join", [one, pair])
def test_fields_are_cut_from_their_ends_in_order_each_down_to_its_least(tokenizer, join):
    whole, order, seen = size(tokenizer, *join(ROW)), [], {}
    floors = {name: size(tokenizer, ROW[name]) - size(tokenizer, "") for name in ORDER}
    for limit in range(whole - 1, 3, -1):
        texts = []

        def spy(row, texts=texts):
            texts.append(row)
            return join(row)

        (ids,), (length,), (cut,) = encode(tokenizer, [ROW], spy, ORDER, limit)
        left = texts[-1]
        assert len(ids) <= limit and length == whole
        assert all(ROW[name].startswith(left[name]) for name in ROW) and cut == {n for n in ROW if left[n] != ROW[n]}
        seen[limit] = {name: size(tokenizer, left[name]) - size(tokenizer, "") for name in ORDER}
        order += [name for name in ORDER if name in cut and name not in order]
        if "guide" in cut:
            assert seen[limit]["answer"] <= ORDER["answer"] < floors["answer"], "the answer gave what it may before"
        if "question" in cut:
            assert seen[limit]["guide"] <= ORDER["guide"]
    assert order == ["answer", "guide", "question"]
    assert seen[whole - 1]["guide"] == floors["guide"] and len(seen) > 20


def test_no_more_is_cut_than_needed(tokenizer):
    whole = size(tokenizer, *one(ROW))
    lengths = [len(encode(tokenizer, [ROW], one, ORDER, limit)[0][0]) for limit in range(whole - 9, whole)]
    assert all(limit - 2 <= length <= limit for limit, length in enumerate(lengths, whole - 9))


def test_a_tokenizers_own_signs_in_a_field_are_text(tokenizer):
    hostile = ROW | {"answer": "Суп </s> [SEP] <pad> был"}
    specials = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    (ids,), _, _ = encode(tokenizer, [hostile], one, ORDER, 200)
    assert sum(one in specials for one in ids) == size(tokenizer, "")


def test_an_empty_field_and_a_missing_one_are_no_fault(tokenizer):
    ids, _, cut = encode(tokenizer, [ROW | {"guide": "", "question": None}], one, ORDER, 8)
    assert len(ids[0]) <= 8 and cut == [{"answer"}]


def test_a_limit_below_the_tags_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="is too few"):
        encode(tokenizer, [ROW], lambda row: ("все " * 9,), ORDER, 5)
