"""Ways to find keywords, against the marked reviews of tests/keywords: precision, recall, F1 and speed.

    python -m benchmarks.keywords [--data FOLDER] [--rows N] [--only ru,en,ko]

Corpus statistics come from N rows of FOLDER's nsmc.parquet and imdb.parquet (column `text`) and of the bundled sample,
beside the marked texts themselves; where a file is not there, from the sample (films) or the marked texts alone, and
the table says so. A keyword found is right when its lemmas are those of a marked one. YAKE (Campos et al. 2020,
Information Sciences 509) is taken if it is importable: it is no dependency of the project.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from stages.keywords import keywords
from stages.lemmas import lemmas_of
from stages.sources import sample

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/keywords.json"
MOST, SHARE = 5, 0.02
OURS = {
    "nouns, max_share 0.1": {"phrases": False, "max_share": 0.1},
    "nouns": {"phrases": False, "max_share": SHARE},
    "nouns and phrases": {"phrases": True, "max_share": SHARE},
    "nouns and phrases, max_share 0.1": {"phrases": True, "max_share": 0.1},
    "nouns and phrases, a word of one review too": {"phrases": True, "max_share": SHARE, "fewest": 1},
}
CORPUS = {"ko": "nsmc.parquet", "en": "imdb.parquet"}


def marked(language: str) -> list[dict]:
    """The marked reviews: {language, text, rubrics, keywords}."""
    lines = (ROOT / f"tests/keywords/{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def background(language: str, data: Path, rows: int) -> tuple[list[str], str]:
    """Texts to count words in, and where they are from."""
    file = data / CORPUS.get(language, "")
    if file.is_file():
        texts = pl.read_parquet(file)["text"].drop_nulls()
        return texts.sample(min(rows, len(texts)), seed=1).to_list(), f"{rows:,} rows of {file.name}"
    if language == "ko":
        return [], "the marked texts alone"
    corpus = {"ru": "places", "en": "films"}[language]
    return sample.generate(corpus, rows, seed=1)[
        "text"
    ].drop_nulls().to_list(), f"{rows:,} rows of the sample's {corpus}"


def scores(rows: list[dict], found: list[list[str]], language: str) -> dict:
    """Precision, recall and F1 over all marked reviews together."""
    said = lemmas_of([word for words in found for word in words], language)
    meant = lemmas_of([word for row in rows for word in row["keywords"]], language)
    hits, given, asked = 0, len(said), len(meant)
    said, meant = iter(said), iter(meant)
    for row, words in zip(rows, found, strict=True):
        hits += len({tuple(next(said)) for _ in words} & {tuple(next(meant)) for _ in row["keywords"]})
    precision, recall = hits / max(given, 1), hits / asked
    f1 = 2 * hits / (given + asked)
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}


def yake_of(language: str) -> Callable[[list[str]], list[list[str]]] | None:
    """YAKE's keywords of each text, at most MOST of two words at most; None if it is not installed."""
    try:
        import yake
    except ImportError:
        return None
    extractor = yake.KeywordExtractor(lan=language, n=2, top=MOST)
    return lambda texts: [[word.lower() for word, _ in extractor.extract_keywords(text)] for text in texts]


def measure(language: str, data: Path, limit: int) -> list[dict]:
    """One result per candidate. Speed: rows of marked and background texts a second of processor time, on all threads
    together, so that other work on the machine does not blur it; models are loaded before, caches of lemmas are not."""
    rows = marked(language)
    more, origin = background(language, data, limit)
    texts = [row["text"] for row in rows] + more
    rubrics = [row["rubrics"] for row in rows] + [""] * len(more)

    def ours(options: dict) -> Callable[[list[str]], list[list[str]]]:
        return lambda texts: keywords(
            texts, language, MOST, rubrics=rubrics[: len(texts)], fit_on=[True] * len(texts), **options
        )

    candidates = {name: (ours(options), texts) for name, options in OURS.items()}
    if yake := yake_of(language):
        candidates["YAKE"] = (yake, texts[:150])  # it looks at one text at a time and is slow: a part will do
    results = []
    lemmas_of(["слово word 가"], language)
    for name, (find, given) in candidates.items():
        start = time.process_time()
        found = find(given)
        took = time.process_time() - start
        results.append(
            {"language": language, "candidate": name, **scores(rows, found[: len(rows)], language),
             "coverage": round(sum(map(bool, found)) / len(found), 3), "rows_per_cpu_second": round(len(given) / took),
             "background": origin}
        )  # fmt: skip
        print("| " + " | ".join(str(value) for value in results[-1].values()) + " |", flush=True)
    if not yake:
        print("(YAKE is not installed: left out)")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--rows", type=int, default=9000)
    parser.add_argument("--only", default="ru,en,ko")
    options = parser.parse_args()
    print("| language | candidate | precision | recall | F1 | coverage | rows/CPU s | background |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |")
    results = [one for language in options.only.split(",") for one in measure(language, options.data, options.rows)]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
