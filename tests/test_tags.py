"""Grammatical tags: what has to agree is seen, what is spoken of is not."""

import pytest

from stages.tags import tagged


@pytest.mark.parametrize(
    ("language", "text", "tags"),
    [
        ("ru", "Вкусная пицца!", ["ADJF.nomn.sing.femn", "NOUN.nomn.sing.femn", "!"]),
        ("ru", "Тренеры отвечала", ["NOUN.nomn.plur.masc", "VERB.sing.femn.past"]),
        ("ru", "12 звёзд, [phone] wifi", ["0", "NOUN.gent.plur.femn", ",", "[phone]", "LATN"]),
        ("en", "The film was fine.", ["AT0", "NN1", "VBD", "AJ0", "."]),
        ("ko", "영화 좋아요!", ["NNG", "VA", "EF", "SF"]),
        ("de", "Zwei Filme!", ["zwei", "filme", "!"]),  # of a language without a tagger, the words themselves
        ("ru", "", []),
    ],
)
def test_tags_of(language, text, tags):
    assert tagged([text], language) == [tags]


def test_each_text_has_its_own_tags():
    assert [len(one) for one in tagged(["Суп.", "", "Суп был."], "ru")] == [2, 0, 3]
    assert [len(one) for one in tagged(["영화", "", "영화 좋아요"], "ko")] == [1, 0, 3]
