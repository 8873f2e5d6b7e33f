"""What a review of one request is set against when it is chosen: other tones and other kinds of places."""

import pytest

from stages.tasks import review_generation

ROW = {"rating": 5, "rubrics": "Кафе", "keywords": ["суп"]}


@pytest.mark.parametrize(("rating", "nearest"), [(1, {3, 4}), (2, {3, 4}), (3, {2, 4}), (4, {2, 3}), (5, {2, 3})])
def test_rivals_have_the_nearest_rating_of_each_other_tone(rating, nearest):
    row = ROW | {"rating": rating, "rubrics": None}
    rivals = review_generation.rivals(row, [])
    assert {one["rating"] for one in rivals} == nearest
    assert all(one | {"rating": rating} == row for one in rivals)


def test_rivals_have_no_rubrics_or_those_of_other_rows_where_they_differ():
    others = [ROW | {"rubrics": rubrics} for rubrics in ("Автомойка", None, "Кафе", "Театр")]
    rubrics = [one["rubrics"] for one in review_generation.rivals(ROW, others)]
    assert rubrics == ["Кафе", "Кафе", None, "Автомойка", "Театр"]
    assert len(review_generation.rivals(ROW | {"rubrics": None}, others)) == 2
