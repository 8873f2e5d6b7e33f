"""Search what a generator writes for what it learnt by heart and for personal data, before it may be sent.

Run by hand or by a flow, as `python -m stages.probe NAME data/enriched/SOURCE.parquet data/tokens/NAME data/BASE
data/models/NAME data/reports/probe/NAME.json`; no DVC stage, for a thousand texts take minutes and only a release
needs them.

Reads   the enriched table of the recipe's source; the recipe's training dataset; its base and its model
Writes  a report: how many texts, how many repeat a training text or hold personal data, and which; the longest run
Params  seed, numerics, publish.<name>.probe, recipes.<name>, sources.<source>.enrich.language

Requests are those of validation and test rows, by turns of each rating; a text is memorised when it is a training text
as a whole, or holds a run of `span` words of one. Case and marks do not count. What many wrote is nobody's own: a copy
each of whose sentences stands in more than `common` training texts is counted apart, as commonplace (the k of Carlini
et al. 2021, arXiv:2012.07805, definition 2, by sentence). Training texts are all those of the source, for a base built
here learnt from them too.
"""

import re
import time
from pathlib import Path

import datasets
import polars as pl

from stages import inputs, params, privacy, release, tasks
from stages.files import write_json
from stages.gather import gather, references
from stages.metrics.diversity import Memory
from stages.models import adapters, draws, family, writing
from stages.models import tokenizer as tokenizers
from stages.numerics import device, settle
from stages.openers import openers
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, read
from stages.splits import fraction

AT_ONCE = 250  # rows: what bounds memory
SENTENCE_ENDS = re.compile(r"[.!?…。]+")
SHOWN = 50  # rows at fault that the report shows


def main(name: str, table: str, tokens: str, base: str, folder: str, report: str) -> None:
    settings = params.load()
    asked = params.entry(settings.publish, name, "publish").probe
    recipe, task = settings.recipes[name], tasks.load(settings.recipes[name].task)
    if task.labels:
        do = "leave it: nothing is asked of its release"
        raise Refusal("a recipe that writes free text", f"{task.name}, which knows its labels", f"recipes.{name}", do)
    settle(settings.numerics, settings.seed)
    whole = read(table, ENRICHED)
    language = settings.sources[recipe.rows.source].enrich.language
    rows, exhausted = requests(whole, recipe, asked.rows, settings.seed, language)
    kind, tokenizer = family(recipe.model.family), tokenizers.load(base)
    model = adapters.load(Path(folder), Path(base), lambda path: kind.load(path, task.outputs(recipe.model.head)))
    writer = writing.writer(recipe, model.to(device()))
    train = datasets.load_from_disk(str(Path(tokens) / "train"))
    learnt = train["target"]
    keywords = {word for row in rows for word in row["keywords"]} if recipe.predict.forced else set()
    heads = openers(list(learnt), language, keywords, writing.FORMS) if keywords else {}
    start, texts = time.monotonic(), []
    ids, *_ = inputs.encode(rows, task, tokenizer, recipe.model)
    turns = draws.turns(ids)  # a request that comes again is another draw
    for at in range(0, len(rows), AT_ONCE):
        some = slice(at, at + AT_ONCE)
        asked_of = (rows[some], ids[some], language, heads, train, turns[some])
        texts += writing.write(recipe, task, writer, tokenizer, *asked_of)
        print(f"probe {name}: {len(texts)} of {len(rows)} texts, {time.monotonic() - start:.0f} s", flush=True)
    known = dict.fromkeys([*whole.filter(split="train")["text"], *(() if task.group else learnt)])  # a form is no text
    told = search(rows, texts, Memory(list(known)), asked)
    weights = {path.name: release.sha256(path) for path in sorted(Path(folder).glob("*.safetensors"))}
    bases = {path.name: release.sha256(path) for path in sorted(Path(base).glob("*.safetensors"))}
    told |= {"recipe": name, "asked": asked.model_dump(), "exhausted": exhausted, "seed": settings.seed}
    told["predict"] = recipe.predict.model_dump(mode="json", by_alias=True)
    write_json(report, told | {"weights": weights, "base_sha256": bases, "seconds": round(time.monotonic() - start, 1)})
    print(f"probe {name}: {'passed' if told['passed'] else 'not passed'}, {told['rows']} texts, "
          f"{told['memorised']} memorised, {told['personal']} with personal data, "
          f"longest run {told['longest_copy']['words']} words → {report}")  # fmt: skip


def requests(rows: pl.DataFrame, recipe: params.Recipe, most: int, seed: int, language: str) -> tuple[list[dict], bool]:
    """Up to `most` rows that nothing was learnt from, the ratings by turns; and whether there are no more of them.

    Fewer rows are asked again and again where answers are drawn; where they are not, that would say nothing new.
    """
    for column, values in recipe.rows.where.items():
        rows = rows.filter(pl.col(column).is_in(list(values)))
    held_out = rows.filter(pl.col("split").is_in(["validation", "test"]))
    if recipe.rows.gather:
        parts = [
            gather(part, recipe.rows.gather, str(split), language, None, seed, references(None, "", {}))
            for (split,), part in sorted(held_out.group_by("split"))
        ]
        held_out = pl.concat(parts)
    if held_out.is_empty():
        raise Refusal("validation and test rows to ask for", "none", f"recipes.{recipe.rows.source}", "collect more")
    held_out = held_out.with_columns(fraction(held_out["id"], f"probe {seed}").alias("_order")).sort("_order", "id")
    turn = pl.int_range(pl.len()).over("rating")
    found = held_out.with_columns(turn.alias("_turn")).sort("_turn", "_order", "id").drop("_turn", "_order").to_dicts()
    if recipe.predict.sample:
        return [found[at % len(found)] for at in range(most)], False
    return found[:most], len(found) < most


def search(rows: list[dict], texts: list[str], memory: Memory, asked: params.Probe) -> dict:
    """What the texts, answers to the rows, hold that must not leave. No personal data stands in it.

    {rows, distinct, copies, memorised, personal: counts of texts; longest_copy: {words, span, id}; found: the rows at
    fault; commonplace: the copies that are none, by how many hold their rarest sentence; passed}.
    """
    span, runs = asked.span, [memory.span(text) for text in texts]
    whole = {at: rarest(text, memory) for at, text in enumerate(texts) if memory.copied(text)}
    copies = [whole.get(at, asked.common + 1) <= asked.common for at in range(len(texts))]
    masked = privacy.mask(pl.Series(texts, dtype=pl.String)).to_list()
    found = []
    for at, text in enumerate(texts):
        faults = [
            fault
            for fault, is_so in (
                ("copy", copies[at]), (f"run of {span} words", len(runs[at]) >= span), ("personal", masked[at] != text),
            )
            if is_so
        ]  # fmt: skip
        if faults:
            found.append({"id": rows[at]["id"], "faults": faults, "text": masked[at], "run": len(runs[at])})
    longest = max(range(len(texts)), key=lambda at: len(runs[at]))
    shown = privacy.mask(pl.Series([" ".join(runs[longest])])).item()
    return {
        "rows": len(texts),
        "distinct": len(set(texts)),
        "copies": len(whole),
        "memorised": sum(copied or len(run) >= span for copied, run in zip(copies, runs, strict=True)),
        "personal": sum(text != clean for text, clean in zip(texts, masked, strict=True)),
        "longest_copy": {"words": len(runs[longest]), "span": shown, "id": rows[longest]["id"]},
        "found": found[:SHOWN],
        "commonplace": [
            {"id": rows[at]["id"], "text": masked[at], "held_by": many}
            for at, many in whole.items()
            if many > asked.common
        ][:SHOWN],
        "passed": not found,
    }


def rarest(text: str, memory: Memory) -> int:
    """How many training texts hold that sentence of a copy which the fewest hold; of a copy without any, 1."""
    sentences = [one for one in SENTENCE_ENDS.split(text) if any(sign.isalnum() for sign in one)]
    return min((memory.held(one) for one in sentences), default=1)


if __name__ == "__main__":
    run(main)
