"""The four data stages as they are usually written: pandas, re, datasketch, one text at a time. What ours answer to.

    python -m benchmarks.plain VERB RULES IN OUT

The rules are those of stages/: patterns are imported from there where Python's `re` can run them. Left out, because
nothing plain does it: the classifier of languages, joiners of emoji, examples and other accounts. datasketch is no
dependency of the project; without it near-duplicates are left out, and the answer says so. Prints a line of JSON:
rows, seconds (of the work alone: no start, no imports, no loading of models), near (if looked for).
"""

import html
import json
import math
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
from ftfy import fix_encoding
from ftfy.badness import is_bad

from stages import lemmas, parts, privacy, reserved, text

try:
    from datasketch import MinHash, MinHashLSH
except ImportError:
    MinHash = None

SHINGLE, MINIMA = 5, 64
TAGS = [re.compile(text.HIDDEN), re.compile(rf"(?i)</?(?:{text.BLOCK}){text.ATTRIBUTES}")]
INLINE = re.compile(rf"(?i)</?(?:{text.INLINE}){text.ATTRIBUTES}")
HIDDEN = re.compile(f"{text.CONTROL}|{text.INVISIBLE}")
EMAIL, HANDLE = re.compile(privacy.EMAIL), re.compile(privacy.HANDLE)
LINK = re.compile(privacy.LINK.replace(r"(?-u:\b)", r"(?a:\b)"))
PHONE = re.compile(privacy.PHONE.replace("(?-u)", "(?a)"))
ANGLE, SQUARE = re.compile(reserved.ANGLE), re.compile(reserved.SQUARE)
PLACEHOLDER = re.compile(r"\[(?:email|handle|link|card|phone)\]")
SCRIPT = {"ko": "[가-힣ㄱ-ㅣ]", "ru": "[А-яЁё]", "en": "[A-Za-z]"}


def collect(raw: pd.DataFrame, rules: dict) -> pd.DataFrame:
    """The source's columns under our names, as text."""
    columns = rules["collect"]["columns"]
    rows = pd.DataFrame({ours: raw[theirs].map(str) for ours, theirs in columns.items()})
    return rows if "id" in rows else rows.assign(id=[str(n) for n in range(len(rows))])


def normalised(one: str) -> str:
    one = text.ENTITY.sub(lambda entity: html.unescape(entity[0]), one)
    for tag in TAGS:
        one = tag.sub(" ", one)
    one = HIDDEN.sub("", fix_encoding(INLINE.sub("", one)))
    one = re.sub(r"\s+", " ", unicodedata.normalize("NFC", one)).strip()
    one = EMAIL.sub("[email]", text.RUN.sub(r"\1\1\1", one))
    one = HANDLE.sub(lambda m: "".join(m[g] or "" for g in ("before", "named", "numbered")) + "[handle]", one)
    one = LINK.sub("[link]", one)
    one = privacy.CARD.sub(lambda number: "[card]" if privacy.is_card(number[0]) else number[0], one)
    one = SQUARE.sub(r"(\1)", ANGLE.sub(r"‹\1›", PHONE.sub("[phone]", one)))
    return re.sub("[|｜]", "/", one).replace("▁", "_")


def said(one: str) -> str:
    """Letters and digits in lower case."""
    return "".join(sign for sign in one.lower() if unicodedata.category(sign)[0] in "LMN")


def stars(rating: str, low: float, high: float) -> int:
    """1–5 stars; 0 where the rating cannot be read or lies out of range."""
    try:
        number = float(rating.replace(",", "."))
    except ValueError:
        return 0
    return math.floor(1 + 4 * (number - low) / (high - low) + 0.5) if low <= number <= high else 0


def keeps(one: str, rules: dict) -> bool:
    """Whether what a row itself says lets it stay."""
    letters = re.sub(r"[\W\d_]", "", re.sub(PLACEHOLDER, "", one)).lower()
    if one == "" or "\ufffd" in one or is_bad(one) or not rules["min_chars"] <= len(one) <= rules["max_chars"]:
        return False
    if len(set(letters)) <= 1 and len(letters) not in (1, 2):
        return False
    wanted = [SCRIPT[language] for language in rules.get("language") or []]
    return not wanted or len(letters) < 20 or any(len(re.findall(w, letters)) >= 0.1 * len(letters) for w in wanted)


def near(texts: list[str], threshold: float) -> list[bool]:
    """Whether each text nearly repeats an earlier one, by MinHash and LSH; what LSH finds is compared exactly."""
    index, kept, answer = MinHashLSH(threshold=threshold, num_perm=MINIMA), [], []
    for number, one in enumerate(texts):
        one = said(one)
        shingles = {one[n : n + SHINGLE] for n in range(max(1, len(one) - SHINGLE + 1))}
        minima = MinHash(num_perm=MINIMA)
        minima.update_batch([shingle.encode() for shingle in shingles])
        found = (kept[other] for other in index.query(minima))
        answer.append(any(len(shingles & other) >= threshold * len(shingles | other) for other in found))
        index.insert(number, minima)
        kept.append(shingles)
    return answer


def clean(rows: pd.DataFrame, rules: dict) -> pd.DataFrame:
    rules = rules["clean"]
    rows = rows.assign(
        text=rows["text"].map(normalised), rating=[stars(r, *rules["rating_range"]) for r in rows["rating"]]
    )
    rows = rows[rows["text"].map(lambda one: keeps(one, rules)) & (rows["rating"] > 0)]
    alike = rows.groupby(rows["text"].map(said))["rating"]
    against, favour = (alike.transform(of) for of in (lambda r: (r <= 2).sum(), lambda r: (r >= 4).sum()))
    outvoted = ((rows["rating"] <= 2) & (against <= favour)) | ((rows["rating"] >= 4) & (favour <= against))
    rows = rows[~((against > 0) & (favour > 0) & ((rows["text"].str.len() >= 15) | outvoted))]
    rows = rows[~rows.duplicated("text")]
    if MinHash and rules.get("near_duplicate", 0.8):
        rows = rows[~np.array(near(rows["text"].tolist(), rules.get("near_duplicate", 0.8)), dtype=bool)]
    share = rules["split"]
    drawn = rows["group"].map(lambda group: int.from_bytes(group.encode()) % 997 / 997)
    return rows.assign(
        split=np.where(drawn < share["test"], "test", np.where(drawn < sum(share.values()), "validation", "train"))
    )


def validate(rows: pd.DataFrame, rules: dict) -> pd.DataFrame:
    """The measures that the gate asks for, text by text; refuses a table with a fault in it."""
    texts = rows["text"]
    tokens = texts.map(lambda one: len(re.findall(r"\w+|[^\w\s]", one)))
    faults = {
        "id": rows["id"].duplicated().sum(), "empty": (texts.str.strip() == "").sum(),
        "text": texts.duplicated().sum(), "group": (rows.groupby("group")["split"].nunique() > 1).sum(),
        "markup": texts.map(lambda one: bool(ANGLE.search(one) or SQUARE.search(one))).sum(),
        **{p.pattern[:9]: texts.map(lambda one, p=p: bool(p.search(one))).sum() for p in (EMAIL, HANDLE, LINK, PHONE)},
    }  # fmt: skip
    figures = [texts.str.len().quantile([0.5, 0.95, 1]), tokens.quantile([0.5, 0.95, 1]), rows["rating"].value_counts()]
    figures += [texts.map(said).duplicated().mean(), (tokens > rules["validate"]["token_limit"]).mean()]
    if faults["id"] or faults["empty"] or faults["text"] or faults["group"] or not all(len(f) for f in figures[:3]):
        raise SystemExit(f"the plain version's table has faults: {faults}")
    return rows


def nouns_of(language: str) -> Callable[[str], list[str]]:
    """What gives a text's nouns in order, with "" for every other word; loads what that needs."""
    if language == "ko":
        from kiwipiepy import Kiwi

        kiwi = Kiwi(num_workers=1)
        kiwi.tokenize("가")  # loads its model

    def nouns(one: str) -> list[str]:
        if language == "ko":
            words = [(token.form.lower(), token.tag) for token in kiwi.tokenize(one)]
        else:
            words = [(word, "") for word in re.findall(lemmas.WORD, one.lower())]
        found = (parts.word_kind(*word, language) for word in words)
        return [lemma if kind & parts.NOUN else "" for lemma, kind in found]

    nouns("word")
    return nouns


def enrich(rows: pd.DataFrame, rules: dict, nouns: Callable[[str], list[str]]) -> pd.DataFrame:
    """TF-IDF of nouns and pairs of neighbouring nouns, counted and weighed with dictionaries, row by row."""
    rules, fit = rules["enrich"], (rows["split"] == "train").tolist()
    counts = []
    for one in rows["text"]:
        words = nouns(one)
        counts.append(Counter([*filter(None, words), *(f"{a} {b}" for a, b in pairwise(words) if a and b)]))
    total = sum(fit)
    known = Counter(word for count, fits in zip(counts, fit, strict=True) if fits for word in count)
    most = rules.get("max_share", 0.02) * total
    idf = {word: math.log((1 + total) / n) for word, n in known.items() if 2 <= n <= most}
    best = [sorted((w for w in c if w in idf), key=lambda w, c=c: -c[w] * idf[w])[: rules["keywords"]] for c in counts]
    return rows.assign(keywords=best)


def main(verb: str, rules: str, source: str, target: str) -> None:
    rules = json.loads(rules)
    work = {"collect": collect, "clean": clean, "validate": validate, "enrich": enrich}[verb]
    if verb == "enrich":
        work = partial(work, nouns=nouns_of(rules["enrich"]["language"]))
    start = time.perf_counter()
    rows = pd.read_parquet(source)
    work(rows, rules).to_parquet(target)
    print(json.dumps({"rows": len(rows), "seconds": time.perf_counter() - start, "near": MinHash is not None}))


if __name__ == "__main__":
    main(*sys.argv[1:])
