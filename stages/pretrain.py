"""Build a small base from a source's training rows, so that a recipe has something to adapt with no network.

Reads   the enriched table (training rows only)
Writes  a model folder with its tokenizer; a report with its loss curve
Params  seed, numerics, bases.<name>
"""

from pathlib import Path

import datasets

from stages import params
from stages.files import replacing_folder, write_json
from stages.models import denoising, family
from stages.models import tokenizer as tokenizers
from stages.models.fitting import fit
from stages.models.seq2seq import loss as of_each_label
from stages.numerics import settle
from stages.refusal import Refusal, run
from stages.schema import ENRICHED, read
from stages.splits import pick

HELD_OUT = 0.05  # share of the training rows that choose the best checkpoint; test and validation rows stay unread


def main(name: str, table: str, folder: str, report: str) -> None:
    settings = params.load()
    base = params.entry(settings.bases, name, "bases")
    settle(settings.numerics, settings.seed)
    rows = read(table, ENRICHED).filter(split="train")
    texts = pick(rows, base.rows, even=False, seed=settings.seed)["text"].to_list()
    if len(texts) < 40:
        raise Refusal("at least 40 training rows to learn a base from", str(len(texts)), table, "collect more rows")
    tokenizer = tokenizers.unigram(base.family, texts, base.vocabulary, base.symbols)
    ids, cut = tokenizers.encode(tokenizer, texts, base.max_tokens)
    kind = family(base.family)
    model = kind.blank(base, tokenizer)
    collator = denoising.collator(base.family, tokenizer, model, settings.seed)
    held_out = max(1, int(len(ids) * HELD_OUT))
    validation = [collator.corrupt(one) for one in ids[:held_out]]  # once, so that every validation asks the same
    train = {"input_ids": ids[held_out:], "length": [len(one) for one in ids[held_out:]]}
    scratch = Path(folder).with_name(f".{name}.checkpoints")
    done = fit(
        model,
        datasets.Dataset.from_dict(train),
        datasets.Dataset.from_list(validation),
        collator,
        kind.loss if base.family == "causal" else of_each_label,  # an encoder's own loss is of a row, not of a token
        scratch,
        settings.seed,
        epochs=base.epochs,
        lr=base.lr,
        batch=base.batch,
    )
    with replacing_folder(folder) as beside:
        model.config.use_cache = True
        model.save_pretrained(str(beside))
        tokenizers.save(tokenizer, beside)
    size = sum(p.numel() for p in model.parameters())
    account = {"rows": len(texts), "truncated": cut, "parameters": size, "vocabulary": len(tokenizer)}
    write_json(report, account | {"curve": done.curve, "steps": done.steps, "best_step": done.best_step})
    print(f"pretrain {name}: {len(texts)} rows, {size:,} parameters, {done.steps} steps in {done.seconds:.0f} s")


if __name__ == "__main__":
    run(main)
