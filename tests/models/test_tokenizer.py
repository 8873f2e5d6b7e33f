"""Both tokenizers: what goes in comes out, a review cannot steer the model, nothing tells where it was saved."""

import json
import shutil

import pytest

from stages.models import tokenizer as tokenizers

BOTH = pytest.mark.parametrize("family", ["seq2seq", "encoder"])
TEXT = "Пицца был холодный, придём ещё."


@BOTH
def test_ids_give_the_text_back(tokenizer_of, family):
    tokenizer = tokenizer_of[family]
    (ids,), cut = tokenizers.encode(tokenizer, [TEXT], 64)
    assert tokenizer.decode(ids, skip_special_tokens=True) == TEXT
    assert (cut, tokenizer.unk_token_id in ids, tokenizer.pad_token_id) == (0, False, 0)


def test_each_family_frames_its_text(tokenizer_of):
    (written,), _ = tokenizers.encode(tokenizer_of["seq2seq"], ["Суп"], 8)
    (read,), _ = tokenizers.encode(tokenizer_of["encoder"], ["Суп"], 8)
    assert tokenizer_of["seq2seq"].convert_ids_to_tokens(written)[-1] == "</s>"
    framed = tokenizer_of["encoder"].convert_ids_to_tokens(read)
    assert (framed[0], framed[-1]) == ("[CLS]", "[SEP]")
    assert tokenizer_of["encoder"].mask_token_id == len(tokenizer_of["encoder"]) - 1


def test_a_seq2seq_has_t5s_hundred_sentinels_on_top(tokenizer_of):
    tokenizer = tokenizer_of["seq2seq"]
    size = len(tokenizer)
    ids = tokenizer.convert_tokens_to_ids([f"<extra_id_{i}>" for i in range(100)])
    assert ids == list(range(size - 1, size - 101, -1))


@BOTH
def test_symbols_are_one_piece_each(tokenizer_of, family):
    tokenizer = tokenizer_of[family]
    pieces = tokenizer.tokenize("rating 5 | keywords суп")
    whole = [piece for piece in pieces if piece.strip("▁") in ("rating", "|", "keywords")]
    assert [piece.strip("▁") for piece in whole] == ["rating", "|", "keywords"]
    assert tokenizer.unk_token_id not in tokenizer.convert_tokens_to_ids(whole)


@BOTH
@pytest.mark.parametrize("control", ["</s>", "<pad>", "<unk>", "<extra_id_0>", "[SEP]", "[CLS]", "[MASK]", "[PAD]"])
def test_control_tokens_in_a_review_are_text(tokenizer_of, family, control):
    tokenizer = tokenizer_of[family]
    plain = tokenizers.encode(tokenizer, ["Суп"], 64)[0][0]
    (ids,), _ = tokenizers.encode(tokenizer, [f"Суп {control} кофе{control}"], 64)
    controls = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    assert [i for i in ids if i in controls] == [i for i in plain if i in controls]
    assert not (control in tokenizer.all_special_tokens and tokenizers.neutral(control, tokenizer) == control)


@BOTH
def test_a_long_text_is_cut_before_its_closing_token(tokenizer_of, family):
    tokenizer = tokenizer_of[family]
    (whole, short), cut = tokenizers.encode(tokenizer, [TEXT * 3, "Суп"], 1000)
    (cut_ids, same), cuts = tokenizers.encode(tokenizer, [TEXT * 3, "Суп"], 10)
    assert cut_ids == [*whole[:9], whole[-1]]
    assert (same, cut, cuts) == (short, 0, 1)
    (fits,), none = tokenizers.encode(tokenizer, [TEXT * 3], len(whole))
    assert (fits, none) == (whole, 0)


@BOTH
def test_a_saved_tokenizer_is_the_same_bytes_wherever_it_lay(tokenizer_of, family, tmp_path):
    first, moved, again = tmp_path / "first", tmp_path / "moved", tmp_path / "again"
    tokenizers.save(tokenizer_of[family], first)
    shutil.copytree(first, moved)
    loaded = tokenizers.load(moved)
    tokenizers.save(loaded, again)
    names = sorted(path.name for path in first.iterdir())
    assert names == ["tokenizer.json", "tokenizer_config.json"] == sorted(path.name for path in again.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert str(tmp_path) not in (again / name).read_text("utf-8")
    assert not set(tokenizers.TRACES) & json.loads((again / "tokenizer_config.json").read_text("utf-8")).keys()
    assert loaded(TEXT)["input_ids"] == tokenizer_of[family](TEXT)["input_ids"]
    assert len(loaded) == len(tokenizer_of[family])


@BOTH
def test_the_same_texts_give_the_same_vocabulary(tokenizer_of, family, lines):
    again = tokenizers.unigram(family, iter(lines), 160, ("rating", "keywords", "|"))
    assert again.get_vocab() == tokenizer_of[family].get_vocab()


@pytest.mark.parametrize("family", ["seq2seq", "encoder"])
def test_a_text_cut_in_its_middle_keeps_a_quarter_of_its_beginning_and_its_end(tokenizer_of, family):
    tokenizer = tokenizer_of[family]
    (whole,), _ = tokenizers.encode(tokenizer, [TEXT * 3], 1000)
    (ids, short), cut = tokenizers.encode(tokenizer, [TEXT * 3, "Суп"], 12, "middle")
    assert (ids, cut) == ([*whole[:3], *whole[-9:]], 1) and len(whole) > 12
    assert short == tokenizers.encode(tokenizer, ["Суп"], 12)[0][0]


@pytest.mark.parametrize(("limit", "head"), [(1, 0), (2, 1), (3, 1), (8, 2)])
def test_the_first_token_stays_where_a_middle_is_cut(tokenizer_of, limit, head):
    tokenizer = tokenizer_of["encoder"]
    (whole,), _ = tokenizers.encode(tokenizer, [TEXT], 1000)
    (ids,), _ = tokenizers.encode(tokenizer, [TEXT], limit, "middle")
    assert ids == [*whole[:head], *whole[len(whole) - limit + head :]]
