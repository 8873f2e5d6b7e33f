"""What a review of one request is set against when it is chosen: other tones and other kinds of places."""

import pytest

from stages.tasks import review_generation

ROW = {"rating": 5, "rubrics": "Кафе", "keywords": ["суп"]}


@pytest.mark.parametrize(("rating", "nearest"), [(1, {3, 4}), (2, {3, 4}), (3, {2, 4}), (4, {2, 3}), (5, {2, 3})])
def test_rivals_have_the_nearest_rating_of_each_other_tone(rating, nearest):
    row = ROW | {"rating": rating, "rubrics": None}
    rivals = review_generation.rivals(row, row)
    assert {one["rating"] for one in rivals} == nearest
    assert all(one | {"rating": rating} == row for one in rivals)


@pytest.mark.parametrize(("rubrics", "rival"), [("Автомойка", [None, "Автомойка"]), (None, [None]), ("Кафе", [None])])
def test_rivals_have_no_rubrics_or_those_of_another_row_where_they_differ(rubrics, rival):
    told = review_generation.rivals(ROW, ROW | {"rubrics": rubrics})
    assert [one["rubrics"] for one in told] == ["Кафе", "Кафе", *rival]
    assert len(review_generation.rivals(ROW | {"rubrics": None}, ROW)) == 2
