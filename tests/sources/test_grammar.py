"""Agreement and choice in the templates of the synthetic reviews."""

import random

import pytest

from stages.sources.grammar import Noun, english, expand, russian


@pytest.mark.parametrize(
    ("word", "text", "form"),
    [
        ("борщ", "борщ", 0), ("пицца", "пицца", 1), ("пюре:n", "пюре", 2), ("роллы", "роллы", 3), ("кофе:m", "кофе", 0),
        ("замена масла", "замена масла", 1), ("летняя веранда", "летняя веранда", 1),
        ("лечение зуба", "лечение зуба", 2),
    ],
)  # fmt: skip
def test_a_russian_nouns_form_is_read_off_its_ending(word, text, form):
    assert russian(word, "dish") == [Noun(text, "dish", form)]


def test_a_star_marks_who_may_bear_a_name():
    assert [noun.nameable for noun in russian("врач*, персонал", "person")] == [True, False]


@pytest.mark.parametrize(
    ("nominative", "accusative"),
    [
        ("пицца", "пиццу"), ("уха", "уху"), ("кровать:f", "кровать"), ("игровая", "игровую"), ("борщ", "борщ"),
        ("замена масла", "замену масла"), ("электронная очередь:f", "электронную очередь"), ("роллы", "роллы"),
    ],
)  # fmt: skip
def test_things_as_objects(nominative, accusative):
    assert russian(nominative, "dish")[0].accusative == accusative


def test_english_nouns_are_singular_unless_marked():
    assert [(noun.text, noun.form) for noun in english("the plot, the songs:p", "story")] == [
        ("the plot", 0),
        ("the songs", 1),
    ]


def test_agreement_follows_the_noun():
    said = [
        expand(random.Random(0), "{x} понравил[ся|ась|ось|ись]", noun) for noun in russian("суп, уха, блины", "dish")
    ]
    assert said == ["суп понравился", "уха понравилась", "блины понравились"]


def test_a_choice_is_drawn_before_agreement_and_words_are_filled_in():
    noun = russian("пицца", "dish")[0]
    said = {
        expand(random.Random(seed), "в «{name}» {acc} <ед[им|им|им|им]/берём>", noun, name="Уют") for seed in range(20)
    }
    assert said == {"в «Уют» пиццу едим", "в «Уют» пиццу берём"}
