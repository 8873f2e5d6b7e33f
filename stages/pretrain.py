"""Build a small base from a source's training rows, so that a recipe has something to adapt with no network.

Reads   the enriched table (training rows only)
Writes  a model folder with its tokenizer; a report with its loss curve
Params  seed, numerics, bases.<name>, sources.<source>.enrich.language
"""

import shutil
from functools import partial
from pathlib import Path

import datasets
import polars as pl
from transformers import PreTrainedTokenizerBase

from stages import params
from stages.files import replacing_folder, write_json
from stages.models import denoising, family
from stages.models import tokenizer as tokenizers
from stages.models.fitting import fit
from stages.models.seq2seq import loss as of_each_label
from stages.numerics import settle
from stages.rebuilding import rebuilt
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, read
from stages.splits import pick
from stages.tasks import review_generation

# Share of the training rows that choose the best checkpoint, and how many at most; test and validation rows stay unread
HELD_OUT, HELD_OUT_MOST = 0.05, 1000


def main(name: str, table: str, folder: str, report: str) -> None:
    settings = params.load()
    base = params.entry(settings.bases, name, "bases")
    settle(settings.numerics, settings.seed)
    rows = read(table, ENRICHED).filter(split="train")
    rows = pick(rows, base.rows, even=False, seed=settings.seed)
    texts = rows["text"].to_list()
    if len(texts) < 40:
        raise Refusal("at least 40 training rows to learn a base from", str(len(texts)), table, "collect more rows")
    asked = [" ".join(words) for words in rows["keywords"].to_list()] if base.objective == "keywords" else []
    tokenizer = tokenizers.unigram(base.family, [*texts, *asked], base.vocabulary, base.symbols)
    kind = family(base.family)
    model = kind.blank(base, tokenizer)
    collator = denoising.collator(base.family, tokenizer, model, settings.seed)
    held_out = max(1, min(HELD_OUT_MOST, int(len(texts) * HELD_OUT)))
    if base.objective == "keywords":
        language = settings.sources[base.corpus].enrich.language
        make = partial(requests, tokenizer=tokenizer, limit=base.max_tokens, language=language, seed=settings.seed)
        (train, cut), (validation, _) = make(rows[held_out:], base.epochs), make(rows[:held_out], 1)
    else:
        ids, cut = tokenizers.encode(tokenizer, texts, base.max_tokens)
        # corrupted once, so that every validation asks the same
        validation = datasets.Dataset.from_list([collator.corrupt(one) for one in ids[:held_out]])
        kept = ids[held_out:]
        train = datasets.Dataset.from_dict({"input_ids": kept, "length": [len(one) for one in kept]})
    scratch = Path(folder).with_name(f".{name}.checkpoints")
    done = fit(
        model,
        train,
        validation,
        collator,
        kind.loss if base.family == "causal" else of_each_label,  # an encoder's own loss is of a row, not of a token
        scratch,
        settings.seed,
        epochs=1 if base.objective == "keywords" else base.epochs,  # its passes differ and lie in `train` already
        lr=base.lr,
        batch=base.batch,
        tokens=base.tokens,
        optimizer=base.optimizer,
        matrix_lr=base.matrix_lr,
        **settings.numerics.training,
        settings=[settings.numerics.model_dump(), base.model_dump(mode="json")],
    )
    with replacing_folder(folder) as beside:
        model.config.use_cache = True
        model.save_pretrained(str(beside))
        tokenizers.save(tokenizer, beside)
    size = sum(p.numel() for p in model.parameters())
    account = {"rows": len(texts), "truncated": cut, "parameters": size, "vocabulary": len(tokenizer)}
    if done.padding is not None:
        account["padding"] = done.padding
    write_json(report, account | {"curve": done.curve, "steps": done.steps, "best_step": done.best_step})
    shutil.rmtree(scratch)
    print(f"pretrain {name}: {len(texts)} rows, {size:,} parameters, {done.steps} steps in {done.seconds:.0f} s")


def requests(
    rows: pl.DataFrame, passes: float, tokenizer: PreTrainedTokenizerBase, limit: int, language: str, seed: int
) -> tuple[datasets.Dataset, int]:
    """Sentences to write from what they speak of (stages.rebuilding) as a dataset, and how many targets were cut."""
    prompts, targets = rebuilt(rows, language, review_generation.prompt, passes, seed)
    (inputs, _), (labels, cut) = (tokenizers.encode(tokenizer, texts, limit) for texts in (prompts, targets))
    lengths = [len(one) + len(label) for one, label in zip(inputs, labels, strict=True)]
    return datasets.Dataset.from_dict({"input_ids": inputs, "labels": labels, "length": lengths}), cut


if __name__ == "__main__":
    run(main)
