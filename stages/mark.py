"""Marking by hand: draw blinded reviews to mark, and set the marks beside the judge's.

Reads   draw: the enriched table; answers of recipes. read: the filled sheet; its key; a judge and its report
Writes  draw: a sheet (CSV) and a page (HTML) that makes the same sheet; a key, which the marker leaves shut.
        read: Cohen's kappa between marks and judge, overall and by criterion, with its interval
Params  seed, numerics, sources.<source>.enrich.language

    python -m stages.mark draw places data/enriched/places.parquet data/marks/places 100 data/answers/a.parquet …
    python -m stages.mark read places data/judges/places data/reports/judge/places.json data/marks/places OUT.json

A mark is 1 (yes) or 0 (no) in each of the four columns; `right` is all four. People's own reviews of the same test rows
are among the texts, and what wrote which is in the key alone.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages import criteria, params
from stages.files import read_json, replacing, write_json
from stages.metrics import intervals
from stages.metrics.agreement import kappa
from stages.models import critic
from stages.refusal import Refusal, run
from stages.schema import ANSWERS, ENRICHED, read
from stages.splits import fraction

SHEET, PAGE, KEY = "sheet.csv", "page.html", "key.json"
MARKS = tuple(criteria.CRITERIA)
ASKED = ("number", "rating", "rubrics", "keywords", "text")
PEOPLE = "people"


def main(verb: str, source: str, *words: str) -> None:
    verbs: dict[str, Callable] = {"draw": draw, "read": compare}
    settings = params.load()
    params.entry(settings.sources, source, "sources")
    if verb not in verbs:
        raise Refusal("draw or read", verb, "the command line", "see python -m stages.mark's own docstring")
    verbs[verb](settings, source, *words)


def draw(settings: params.Params, source: str, table: str, folder: str, count: str, *answers: str) -> None:
    """`count` texts, as many of each rating and, within a rating, of each writer; their order and writers hidden."""
    rows = read(table, ENRICHED).select("id", "rubrics", "keywords", human="text")
    told = [read(path, ANSWERS).with_columns(writer=pl.lit(Path(path).stem), text="answer") for path in answers]
    if not told:
        raise Refusal("answers to mark", "none", "the command line", "name one or more data/answers/<recipe>.parquet")
    people = told[0].with_columns(writer=pl.lit(PEOPLE), text="target")
    every = pl.concat([people, *told]).join(rows, on="id", how="left").unique(["writer", "id"])
    mixed = every.select(pl.format("{} {}", "id", "writer")).to_series()
    every = every.with_columns(fraction(mixed, f"mark {settings.seed}").alias("_order")).sort("_order")
    turn = every.with_columns(turn=pl.int_range(pl.len()).over("rating", "writer")).sort("turn", "_order")
    drawn = turn.filter(pl.int_range(pl.len()).over("rating") < int(count) // 5).sort("_order")
    sheet = drawn.select(
        pl.int_range(1, pl.len() + 1).alias("number"), "rating", "rubrics",
        pl.col("keywords").list.join(", "), "text",
    )  # fmt: skip
    beside = Path(folder)
    write_json(beside / KEY, {"id": drawn["id"].to_list(), "writer": drawn["writer"].to_list()})
    with replacing(beside / SHEET) as path:
        sheet.with_columns(pl.lit("").alias(mark) for mark in MARKS).write_csv(path)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("mark.html.jinja").render(rows=sheet.to_dicts(), marks=MARKS, asked=ASKED)
    with replacing(beside / PAGE) as path:
        path.write_text(page, encoding="utf-8")
    print(f"mark {source}: {sheet.height} texts to mark in {beside / PAGE} or {beside / SHEET}")


def compare(settings: params.Params, source: str, judge: str, judge_report: str, folder: str, report: str) -> None:
    """The marks of a filled sheet beside what the judge says of the same texts."""
    beside = Path(folder)
    sheet, key = marks(beside / SHEET), read_json(beside / KEY)
    if len(key["writer"]) != sheet.height:
        raise Refusal(f"{len(key['writer'])} rows, as drawn", f"{sheet.height}", str(beside / SHEET), "draw it again")
    language = settings.sources[source].enrich.language
    asked = sheet.with_columns(
        pl.col("keywords").fill_null("").str.split(", ").list.eval(pl.element().filter(pl.element() != ""))
    )
    whole = critic.load(Path(judge), language, settings.numerics, settings.seed)
    signals = whole.signals(asked, sheet["text"].to_list())
    said = criteria.verdicts(signals, read_json(judge_report)["criteria"]["bounds"])
    account = agreement(sheet, said, key["writer"], settings.seed)
    write_json(report, account)
    right = account["kappa"]["right"]
    print(
        f"mark {source}: kappa of right {right['value']:.3f} [{right['low']:.3f}, {right['high']:.3f}], n {right['n']}"
    )


def agreement(sheet: pl.DataFrame, said: pl.DataFrame, writers: list[str], seed: int) -> dict:
    """Kappa and plain agreement of marks and verdicts, by criterion; and who wrote what share of right reviews."""
    marked = sheet.select(pl.col(mark) == 1 for mark in MARKS).with_columns(right=pl.all_horizontal(*MARKS))
    names = [*MARKS, "right"]
    by_writer = pl.DataFrame({"writer": writers, "marked": marked["right"], "judged": said["right"]})
    return {
        "n": sheet.height,
        "kappa": {one: kappa(marked[one].to_list(), said[one].to_list(), seed) for one in names},
        "agreement": {one: intervals.share((marked[one] == said[one]).to_list()) for one in names},
        "marked": {one: intervals.share(marked[one].to_list()) for one in names},
        "judged": {one: intervals.share(said[one].to_list()) for one in names},
        "writers": {
            writer: {one: intervals.share(part[one].to_list()) for one in ("marked", "judged")}
            for (writer,), part in sorted(by_writer.group_by("writer"))
        },
    }


def marks(path: Path) -> pl.DataFrame:
    """A filled sheet; refuses columns that are missing and marks that are neither 0 nor 1, naming the rows."""
    if not path.is_file():
        raise Refusal("a filled sheet", "no such file", str(path), "fill the sheet that `draw` wrote and put it there")
    sheet = pl.read_csv(path, schema_overrides=dict.fromkeys(("rubrics", "keywords", "text", *MARKS), pl.String))
    missing = [name for name in (*ASKED, *MARKS) if name not in sheet.columns]
    if missing:
        raise Refusal(f"the columns {', '.join((*ASKED, *MARKS))}", f"no {', '.join(missing)}", str(path), "add them")
    wrong = sheet.filter(pl.any_horizontal(~pl.col(mark).is_in(["0", "1"]).fill_null(False) for mark in MARKS))
    if wrong.height:
        numbers = ", ".join(str(number) for number in wrong["number"].head(10))
        raise Refusal("0 or 1 in each mark", f"{wrong.height} rows without, such as {numbers}", str(path), "mark them")
    return sheet.with_columns(pl.col(mark).cast(pl.Int8) for mark in MARKS)


if __name__ == "__main__":
    run(main)
