"""The central sentence is the one that says what the others say."""

import numpy as np
import pytest

from stages.centrality import degree, lexrank

TEXTS = ["rolls fresh and staff kind", "rolls fresh", "staff kind", "parking far away"]


@pytest.mark.parametrize("rank", [degree, lexrank])
def test_the_sentence_that_joins_the_others_is_central_and_the_odd_one_is_not(rank):
    found = rank(TEXTS)
    assert found.argmax() == 0 and (rank is lexrank or found.argmin() == 3)  # its walk leaves the odd one its own share


def test_degree_counts_those_alike_and_itself():
    assert np.floor(degree(TEXTS)).astype(int).tolist() == [3, 2, 2, 1]


def test_lexrank_is_the_stationary_share_of_its_walk():
    from stages.centrality import similarities

    share, cosines = lexrank(TEXTS), similarities(TEXTS)
    walk = 0.85 * cosines / cosines.sum(1, keepdims=True) + 0.15 / 4
    values, vectors = np.linalg.eig(walk.T)
    leading = np.real(vectors[:, np.argmax(np.real(values))])
    assert share == pytest.approx(leading / leading.sum(), abs=1e-6) and share.sum() == pytest.approx(1)


@pytest.mark.parametrize("rank", [degree, lexrank])
@pytest.mark.parametrize("texts", [["!!!"], ["!!!", "..."], ["суп"]])
def test_texts_without_words_are_ranked_too(rank, texts):
    assert len(rank(texts)) == len(texts) and np.isfinite(rank(texts)).all()
