"""The synthetic corpora: right in number and shape, distinct, and telling enough that models can be told apart."""

import collections
import functools
import re

import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from stages.schema import RAW
from stages.sources import dirt
from stages.sources.films_kinds import GENRES
from stages.sources.grammar import russian
from stages.sources.places_kinds import DOMAINS, KINDS
from stages.sources.sample import generate
from stages.splits import fraction
from stages.stars import tone

SEED = 20261121
ROWS = {"places": 9000, "films": 3000}
BOTH = pytest.mark.parametrize("corpus", ROWS)
PRAISE = {
    "places": "в восторге|идеально|великолепн|шикарн|невероятно|просто|превзош|лучшее место|огромное спасибо",
    "films": "perfect|best|brilliant|loved|adored|masterpiece|superb|genius|magnificent|stunning|worth the ticket",
}
ANGER = {
    "places": "кошмар|позор|ужас|отвратит|хам|обман|мошенн|издева|наорал|грабёж|никогда|безобраз",
    "films": "garbage|worst|awful|disgrac|terrible|unwatchable|insult|hideous|never again|trash|money back",
}
UNFILLED = re.compile(r"[<>\[\]|{}]|\b(\w+) \1\b|\.\.|,,| ,|  ")


@functools.cache
def raw(corpus: str) -> pl.DataFrame:
    return generate(corpus, ROWS[corpus], SEED)


@functools.cache
def good(corpus: str) -> pl.DataFrame:
    """The rows whose text and rating no dirt was planted in, `stars` 1–5 beside them."""
    number = (
        pl.col("rating").str.strip_chars().str.replace(",", ".").str.strip_suffix(".").cast(pl.Float64, strict=False)
    )
    top = 5 if corpus == "places" else 10
    text = pl.col("text")
    dirty = text.str.contains(r"[^\p{L}\p{N} .,!:;—«»-]|\d{3}|[\x{300}-\x{36f}]|  |^ | $") | (
        text.str.len_chars() > 1000
    )
    return (
        raw(corpus)
        .with_columns((1 + 4 * (number - 1) / (top - 1)).round().cast(pl.Int8, strict=False).alias("stars"))
        .filter(number.is_between(1, top), ~dirty.fill_null(True), text.str.len_chars() > 5)
        .unique("text", keep="first", maintain_order=True)
    )


@BOTH
def test_has_the_raw_columns_and_as_many_rows_as_asked_for(corpus):
    table = raw(corpus)
    assert table.schema == RAW
    assert table.height == ROWS[corpus]
    assert table["id"].n_unique() == table.height
    assert table["id"][0] == {"places": "p000001", "films": "f000001"}[corpus]
    assert table["split"].null_count() == table.height


@BOTH
def test_the_seed_decides_every_byte(corpus):
    first, again, other = (generate(corpus, 700, seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first["text"].equals(other["text"])


@pytest.mark.parametrize("rows", [1, 2, 30, 499, 500])
def test_small_tables_work_too(rows):
    table = generate("places", rows, SEED)
    assert table.height == rows
    assert table["text"][0]


def test_an_unknown_corpus_is_refused():
    with pytest.raises(KeyError):
        generate("songs", 10, SEED)


@BOTH
def test_only_the_planted_duplicates_repeat_a_text(corpus):
    texts = (
        raw(corpus).filter(pl.col("text").str.len_chars() > 5)["text"].str.replace_all(r"\s+", " ").str.strip_chars()
    )
    assert texts.len() - texts.n_unique() == dirt.planted(corpus, ROWS[corpus])["duplicate"]


@BOTH
def test_dirt_is_spread_over_the_table(corpus):
    empty = raw(corpus).with_row_index("row").filter(pl.col("text").fill_null("").str.strip_chars() == "")["row"]
    assert empty.min() < ROWS[corpus] / 3
    assert empty.max() > ROWS[corpus] * 2 / 3


@BOTH
def test_ratings_are_as_skewed_as_real_ones(corpus):
    shares = dict(good(corpus)["stars"].value_counts(normalize=True).rows())
    expected = {1: 0.09, 2: 0.04, 3: 0.05, 4: 0.07, 5: 0.75}
    assert shares == pytest.approx(expected, abs=0.02)


def test_ratings_of_places_are_written_in_many_ways():
    assert {"5", "5.", "5.0", "5,0", " 4 "} <= set(raw("places")["rating"])


@BOTH
def test_lengths_have_a_long_tail(corpus):
    chars = good(corpus)["text"].str.len_chars()
    assert 100 <= chars.median() <= 180
    assert 250 <= chars.quantile(0.95) <= 420
    assert 600 <= chars.max() <= 900


@BOTH
def test_few_subjects_have_many_reviews(corpus):
    reviews = raw(corpus)["group"].value_counts()["count"]
    assert reviews.median() <= 5
    assert 25 <= reviews.max() <= 60


def test_places_have_hundreds_of_rubrics():
    known = {rubric: index for index, (_, rubrics, _) in enumerate(KINDS) for rubric in rubrics.split(";")}
    assert len(known) == sum(len(rubrics.split(";")) for _, rubrics, _ in KINDS), "a rubric stands in two kinds"
    used = set(raw("places")["rubrics"].str.split(";").explode())
    assert used <= set(known)
    assert len(used) >= 400
    assert raw("places")["rubrics"].str.count_matches(";").max() == 2


def test_films_have_every_genre():
    assert set(raw("films")["rubrics"].str.split(";").explode()) == set(GENRES)


def test_a_review_of_a_place_names_things_of_its_kind():
    words = {}
    for domain, rubrics, own in KINDS:
        nouns = [
            noun for table in (own, DOMAINS[domain]) for kind, text in table.items() for noun in russian(text, kind)
        ]
        forms = {form.lower() for noun in nouns for form in (noun.text, noun.accusative)}
        words |= dict.fromkeys(rubrics.split(";"), forms)
    rows = good("places")
    named = [
        any(form in text.lower() for form in words[rubrics.split(";")[0]])
        for rubrics, text in rows.select("rubrics", "text").iter_rows()
    ]
    assert sum(named) / len(named) > 0.995


@BOTH
def test_sentiment_follows_the_rating(corpus):
    found = (
        good(corpus)
        .group_by("stars")
        .agg(
            pl.col("text").str.to_lowercase().str.contains(PRAISE[corpus]).mean().alias("praise"),
            pl.col("text").str.to_lowercase().str.contains(ANGER[corpus]).mean().alias("anger"),
        )
    )
    praise, anger = (dict(found.select("stars", column).iter_rows()) for column in ("praise", "anger"))
    assert praise[5] > 2 * max(praise[1], praise[2], praise[3])
    assert anger[1] > 0.4
    assert anger[1] > 2 * anger[2] > 2 * max(anger[3], anger[4], anger[5])


@BOTH
def test_no_template_shows_through(corpus):
    shown = [text for text in good(corpus)["text"] if UNFILLED.search(text.lower())]
    assert not shown[:3]


@BOTH
def test_words_are_few_enough_for_a_tiny_model_to_learn(corpus):
    words = collections.Counter(word for text in good(corpus)["text"] for word in re.findall(r"\w+", text.lower()))
    assert 800 < len(words) < 4000
    assert sum(count == 1 for count in words.values()) / len(words) < 0.1


@pytest.mark.parametrize(
    ("corpus", "stars_low", "stars_high", "tone_low"), [("places", 0.8, 0.96, 0.88), ("films", 0.75, 0.95, 0.82)]
)
def test_a_classifier_learns_the_rating_well_but_not_perfectly(corpus, stars_low, stars_high, tone_low):
    """TF-IDF and logistic regression, 70 % of the places or films to learn from: macro F1 of 5 ratings and 3 tones."""
    rows = good(corpus)
    train = fraction(rows["group"], "test_sample") < 0.7
    learned, asked = rows.filter(train), rows.filter(~train)
    scores = []
    for label in (int, tone):
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, class_weight="balanced")
        )
        model.fit(learned["text"].to_list(), [label(star) for star in learned["stars"]])
        truth = [label(star) for star in asked["stars"]]
        scores.append(f1_score(truth, model.predict(asked["text"].to_list()), average="macro"))
    assert stars_low < scores[0] < stars_high
    assert tone_low < scores[1] < 0.99
