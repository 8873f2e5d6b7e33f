"""The figures of a summary, on literals and against rouge-score itself."""

import pytest
from rouge_score.rouge_scorer import RougeScorer

from stages.metrics import summary

WORDS = {"food": ("rolls", "tea"), "staff": ("waiter",)}


def row(**words) -> dict:
    said = [
        {"category": "food", "rating": 5, "review": 0, "text": "The rolls were fresh."},
        {"category": "staff", "rating": 1, "review": 1, "text": "The waiter was rude to us."},
    ]
    return {
        "categories": ["food", "staff"],
        "silent": "nobody says",
        "reviews": [
            {"rating": 5, "text": "The rolls were fresh."},
            {"rating": 1, "text": "The waiter was rude to us."},
        ],
        "sentences": said,
        "references": [],
        "target": "food: 10 | The rolls were fresh. | staff: 0 | The waiter was rude to us.",
    } | words


def measured(text: str, **words) -> dict[str, float]:
    told = summary.measure([row(**words)], [text], WORDS, "en", 0.5, 1)
    assert all(set(one) == {"value", "low", "high", "n"} for one in told.values())
    return {name: one["value"] for name, one in told.items()}


def test_the_target_itself_has_no_fault():
    assert measured(row()["target"]) == {
        "rouge_l": 1, "rouge_1": 1, "rouge_2": 1, "rouge_l_best": 1, "aspect_coverage": 1, "score_error": 0,
        "supported": 1, "malformed": 0, "repeated": 0,
    }  # fmt: skip


def test_each_fault_moves_its_own_figure():
    assert measured("food: 7 | The rolls were fresh. | staff: 0 | The waiter was rude to us.")["score_error"] == 1.5
    silent = measured("food: 10 | The rolls were fresh. | staff: 0 | nobody says")
    assert (silent["aspect_coverage"], silent["rouge_1"], silent["supported"]) == (0.5, 0.5, 1)
    made_up = measured("food: 10 | The rolls came from Mars. | staff: 0 | A waiter sang beautifully all night.")
    assert made_up["supported"] < 1 and made_up["aspect_coverage"] == 1 and made_up["rouge_2"] < 0.5
    twice = measured("food: 10 | The rolls were fresh. | food: 9 | Tea. | staff: 0 | The waiter was rude to us.")
    assert (twice["repeated"], twice["malformed"], twice["score_error"]) == (1, 1, 0)
    half = measured("food: 10 | The rolls were fresh.")
    assert (half["malformed"], half["score_error"], half["rouge_l"]) == (1, 5, 0.5), "one left out counts as ten off"
    assert measured("")["malformed"] == 1


def test_people_stand_before_the_rule_and_best_is_the_nearest_of_them():
    people = [{"category": "food", "text": "fresh rolls"}, {"category": "food", "text": "The rolls were fresh."}]
    told = measured(row()["target"], references=people)
    assert told["rouge_l_best"] == 1 and told["rouge_l"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-6)


def test_a_person_is_measured_against_the_others():
    people = [{"category": "food", "text": "The rolls were fresh."}, {"category": "food", "text": "Good tea."}]
    assert summary.without_own(row(references=people))["references"] == people[1:]


def test_silent_categories_ask_for_nothing():
    told = measured("food: 9 | The rolls were fresh. | staff: 9 | nobody says",
                    target="food: 10 | The rolls were fresh. | staff: 0 | nobody says",
                    sentences=row()["sentences"][:1])  # fmt: skip
    assert (told["rouge_l"], told["aspect_coverage"], told["supported"], told["score_error"]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("the cat sat", "the cat sat on the mat"),
        ("a b c d e", "e d c b a"),
        ("none", "of these"),
        ("Room 12!", "room 12"),
    ],
)
def test_latin_text_scores_as_rouge_score_has_it(text, reference):
    own = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False).score(reference, text)
    assert summary.rouge(text, [reference]) == [{kind: one.fmeasure for kind, one in own.items()}]


def test_other_scripts_are_words_too():
    assert summary.rouge("плов вкусный", ["вкусный плов"])[0]["rouge1"] == 1
    assert summary.rouge("밥이 맛있다", ["밥이 차다"])[0]["rouge1"] == 0.5


def texts(*of: str) -> dict:
    return {"sentences": [{"text": one} for one in of]}


def test_the_threshold_parts_a_groups_own_claims_from_anothers():
    rooms = [f"The room on floor {at} had clean towels and large windows" for at in range(12)]
    food = [f"Breakfast on day {at} brought cold eggs with burnt toast" for at in range(12)]
    found = summary.threshold([texts(*rooms), texts(*food)])
    assert 0.1 < found["value"] < 1 and found["n"] == 24
    assert found["accepted"] > 0.9 and found["mistaken"] == 0
    claims = summary._closest(["Breakfast on day 3 brought cold eggs with toast", "The lift was slow"], food)
    assert claims[0] >= found["value"] > claims[1]


def test_too_few_sentences_set_no_threshold_and_say_so():
    assert summary.threshold([texts("one two", "three")]) == {"value": 0.5, "accepted": None, "mistaken": None, "n": 2}


def test_no_rows_that_say_anything_are_no_figure():
    told = summary.measure([row(sentences=[], target="food: 5 | nobody says | staff: 5 | nobody says")],
                           ["food: 5 | nobody says | staff: 5 | nobody says"], WORDS, "en", 0.5, 1)  # fmt: skip
    assert told["rouge_l"] == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0} and told["malformed"]["value"] == 0
