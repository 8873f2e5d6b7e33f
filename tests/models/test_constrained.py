"""The automaton: whatever a model prefers, what comes out is a summary in form."""

import numpy as np
import pytest
import torch

from stages import summaries
from stages.models import family
from stages.models.constrained import SCORES, Constrained, Form, Vocabulary, room, trie
from stages.params import Predict
from stages.refusal import Refusal

NAMES = ("суп", "кофе")
PROMPTS = ["Пицца", "Суп был холодный", "Кофе всем понравился, придём ещё"]
BOTH = pytest.mark.parametrize("kind", ["seq2seq", "causal"])


@pytest.fixture
def vocabulary(tokenizer_of, kind):
    return Vocabulary(tokenizer_of[kind])


def answers(kind: str, model, tokenizer, forms, limit: int, **settings) -> list[str]:
    ids = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
    torch.manual_seed(3)
    return family(kind).answer(model, tokenizer, ids, limit, Predict(**settings), (), forms)[0]


@BOTH
@pytest.mark.parametrize("batch", [1, 8])
def test_an_untrained_model_writes_well_formed_summaries(kind, blank, tokenizer_of, vocabulary, batch):
    limit = 48
    form = Form(vocabulary, NAMES, room(vocabulary, NAMES, limit))
    for seed in range(8):
        torch.manual_seed(seed)
        drawn = answers(
            kind, blank(kind), tokenizer_of[kind], [form] * 3, limit, sample=True, temperature=9.0, batch=batch
        )
        for text in drawn:
            read = summaries.read(text, NAMES)
            assert (read.malformed, read.repeated, list(read.parts)) == (False, 0, list(NAMES)), text
    loose = answers(kind, blank(kind), tokenizer_of[kind], None, limit, sample=True, temperature=9.0)
    assert all(summaries.read(text, NAMES).malformed for text in loose), "without the form there is no form"


@BOTH
def test_a_quotation_is_one_of_those_given_for_the_category(kind, blank, tokenizer_of, vocabulary):
    quotes = (("Суп был холодный", "Суп был холодный, ждали целый час"), ("Кофе всем понравился",))
    form = Form(vocabulary, NAMES, 40, quotes)
    said = set()
    for seed in range(6):
        torch.manual_seed(seed)
        for text in answers(kind, blank(kind), tokenizer_of[kind], [form] * 3, 96, sample=True, temperature=9.0):
            parts = summaries.read(text, NAMES).parts
            assert parts["суп"][1] in quotes[0] and parts["кофе"][1] in quotes[1]
            said.add(parts["суп"][1])
    assert said == set(quotes[0]), "one may be the beginning of another"


@BOTH
def test_forced_pieces_are_the_ids_of_a_whole_summary(kind, tokenizer_of, vocabulary):
    """What was learnt from targets and what is forced at writing are the same ids."""
    whole = summaries.write({"суп": (10, "Суп был холодный."), "кофе": (3, "Ждали час")})
    pieces = ["суп:", "10", "|", "Суп был холодный.", "|", "кофе:", "3", "|", "Ждали час"]
    assert tokenizer_of[kind](whole, add_special_tokens=False)["input_ids"] == [
        one for piece in pieces for one in vocabulary.ids(piece)
    ]


def steered(form: Form, prefer) -> list[int]:
    """The ids an all-powerful model gets when it always takes the first allowed of `prefer(allowed)`."""
    held, ids = Constrained([form]), [0]
    for _ in range(400):
        scores = torch.zeros(1, len(form.vocabulary.free))
        allowed = torch.isfinite(held(torch.tensor([ids]), scores))[0].nonzero()[:, 0].tolist()
        ids.append(prefer(allowed))
        if ids[-1] == form.vocabulary.end:
            return ids[1:]
    raise AssertionError("it never ended")


@BOTH
@pytest.mark.parametrize("prefer", [min, max, lambda allowed: allowed[len(allowed) // 2]])
def test_no_preference_gets_out_of_the_form_or_past_its_limit(kind, vocabulary, tokenizer_of, prefer):
    limit = 60
    form = Form(vocabulary, NAMES, room(vocabulary, NAMES, limit))
    ids = steered(form, prefer)
    assert len(ids) <= limit
    read = summaries.read(tokenizer_of[kind].decode(ids, skip_special_tokens=True), NAMES)
    assert not read.malformed and read.repeated == 0


@BOTH
def test_a_text_that_shuns_letters_gets_one_at_its_end(kind, vocabulary):
    form = Form(vocabulary, ("суп",), 5)

    def wordless(allowed):
        return next((one for one in allowed if not vocabulary.wordy[one] and one != vocabulary.end), allowed[0])

    ids = steered(form, wordless)
    assert vocabulary.wordy[ids[-2]] and not vocabulary.wordy[ids[-6:-2]].any()


@BOTH
def test_a_free_text_may_hold_neither_bar_nor_control(kind, vocabulary, tokenizer_of):
    tokenizer = tokenizer_of[kind]
    free = [one for one in range(len(tokenizer)) if vocabulary.free[one]]
    assert not set(free) & set(tokenizer.all_special_ids) and vocabulary.bar[-1] not in free
    assert not any("|" in name or name.startswith("<extra_id") for name in tokenizer.convert_ids_to_tokens(free))
    assert np.count_nonzero(vocabulary.wordy) < len(free)


@BOTH
def test_every_score_can_be_reached_and_no_other(kind, vocabulary):
    paths = trie([[*vocabulary.ids(score), *vocabulary.bar] for score in SCORES])

    def ends(node):
        return 1 if not node else sum(ends(child) for child in node.values())

    assert ends(paths) == 11


@BOTH
def test_too_small_a_limit_is_refused(kind, vocabulary):
    with pytest.raises(Refusal, match="for 2 categories"):
        room(vocabulary, NAMES, 12)


def test_a_trie():
    assert trie([[1, 2], [1, 3], [4]]) == {1: {2: {}, 3: {}}, 4: {}}
