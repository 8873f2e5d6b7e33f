"""How quickly texts are written: batched `generate` as in the examples beside this project's ways, and CTranslate2.

    python -m benchmarks.prediction [--shapes tiny small] [--recipe NAME] [--parts speed latency equality memory mixed]
        [--rows 64] [--tokens 64] [--batch 64] [--threads 1] [--rounds 5] [--seconds 600] [--out FILE]

Of randomly initialised T5 models, tiny (4 M weights) and small (64 M), neither of which ever ends an answer, and of a
recipe trained here (its test rows; answers written once, candidates or not). The ways:

table order     `generate`, float32, rows as they come             sorted   the same, longest prompts first
bf16            the same in bfloat16                               ours     `answer` of the model's family
float32, int8   CTranslate2 (stages.models.converted), converted before the clock starts

They take turns within a round, greedy and sampled, for so many rounds or seconds; told are tokens a second, the median,
the lowest and the highest, and the ratio of medians to the first way. `latency`: a row asked alone, ms. `equality`: the
share of greedy answers like the first way's, and how far log-probabilities of its answers are apart, nats. `memory`:
the most that a process of its own held which opened one way and answered once, MiB. `mixed`: rows of several LoRA
adapters in one batch against adapter by adapter. Merged into benchmarks/results/prediction.json under shape or recipe,
`small` of one thread and `small, 2 threads`.
"""

import argparse
import copy
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from benchmarks.data import machine
from benchmarks.training.watching import peak
from stages import params, tasks
from stages.metrics import labels, overlap
from stages.models import adapters, converted, family
from stages.models import tokenizer as tokenizers
from stages.numerics import settle
from stages.params import Lora, Numerics, Predict
from stages.refusal import Refusal

RESULTS = Path(__file__).parent / "results/prediction.json"
SHAPES = {
    "tiny": {"d_model": 192, "d_ff": 384, "num_layers": 3, "num_heads": 3, "vocab_size": 8000},
    "small": {"d_model": 512, "d_ff": 1024, "num_layers": 8, "num_heads": 6, "vocab_size": 20000},
}
UNTIED = ("small",)  # with a head of its own, as ruT5-small
WAYS = ("table order", "sorted", "bf16", "ours", "float32", "int8")
PARTS = ("speed", "latency", "equality", "memory", "mixed")
SEED, ALONE = 20261121, 20  # ALONE: rows that are asked one at a time
WORDS = (32, 0.6)  # a prompt's tokens are log-normal: the median, and the deviation of the logarithm


@dataclass
class Job:
    """What is answered, and by what. drawn: the settings of the sampled runs."""

    name: str
    kind: str  # the model's family
    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    prompts: list[list[int]]
    limit: int
    drawn: Predict
    quality: Callable[[list[str]], float] | None = None


def shape(name: str, rows: int, limit: int, batch: int) -> Job:
    """A T5 of random weights and prompts of random tokens, the same each time."""
    size = SHAPES[name]
    torch.manual_seed(SEED)
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {f"w{at}": at for at in range(3, size["vocab_size"])}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    marks = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    ends = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    model = T5ForConditionalGeneration(
        T5Config(d_kv=64, feed_forward_proj="gated-gelu", dropout_rate=0.0, **size, **ends)
    )
    model.config.scale_decoder_outputs = False
    torch.nn.init.normal_(model.shared.weight, std=0.3)
    if name in UNTIED:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) * 0.2)
    model.lm_head.bias = torch.nn.Parameter(torch.zeros(size["vocab_size"]))
    model.lm_head.bias.data[:3] = -1e4  # no end and no other mark is written, so that every way writes as many tokens
    draw = np.random.default_rng(SEED)
    lengths = np.clip(draw.lognormal(np.log(WORDS[0]), WORDS[1], rows), 4, 512).astype(int)
    prompts = [[*draw.integers(3, size["vocab_size"], one - 1).tolist(), 1] for one in lengths]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **marks)
    return Job(name, "seq2seq", model.eval(), tokenizer, prompts, limit, Predict(sample=True, top_k=20, batch=batch))


def trained(name: str, rows: int, limit: int, batch: int) -> Job:
    """A recipe of this checkout: its merged model and the first of its test rows."""
    settings = params.load()
    recipe = params.entry(settings.recipes, name, "recipes")
    if recipe.model.family == "encoder":
        raise Refusal(
            "a recipe that writes", "family encoder", f"--recipe {name}", "name one that is seq2seq or causal"
        )
    task, base = tasks.load(recipe.task), Path("data") / recipe.model.base
    test = datasets.load_from_disk(f"data/tokens/{name}/test").select_columns(["input_ids", "target"])[:rows]
    model = adapters.load(Path("data/models") / name, base, family(recipe.model.family).load).eval()
    drawn = recipe.predict.model_copy(
        update={"candidates": 1, "forced": False, "sample": True, "batch": batch, "constrain": "none"}
    )

    def quality(texts: list[str]) -> float:
        measure = labels.accuracy if task.labels else overlap.chrf
        return statistics.fmean(map(float, measure(texts, list(test["target"])[: len(texts)])))

    most = min(limit, recipe.model.target_tokens)
    prompts = [list(one) for one in test["input_ids"]]
    return Job(name, recipe.model.family, model, tokenizers.load(base), prompts, most, drawn, quality)


def stock(job: Job, model, how: Predict, order: bool) -> Callable[[list], list[str]]:
    """`generate` as its documentation shows it, with torch's own float32 products."""
    words = {"do_sample": how.sample, "no_repeat_ngram_size": how.no_repeat, "num_beams": 1, "pad_token_id": 0}
    words |= {"repetition_penalty": how.repetition_penalty, "max_new_tokens": job.limit}
    if how.sample:
        words |= {"temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p}
    seq2seq = job.kind == "seq2seq"

    @torch.inference_mode()
    def ask(prompts: list[list[int]]) -> list[str]:
        torch.set_float32_matmul_precision("highest")
        if not seq2seq:
            prompts = [tokenizers.framed(one, job.tokenizer) for one in prompts]
        texts, places = [""] * len(prompts), sorted(range(len(prompts)), key=lambda at: -len(prompts[at]) * order)
        for start in range(0, len(places), how.batch):
            chosen = places[start : start + how.batch]
            side = {} if seq2seq else {"padding_side": "left"}
            asked = job.tokenizer.pad({"input_ids": [prompts[at] for at in chosen]}, return_tensors="pt", **side)
            written = model.generate(asked["input_ids"], attention_mask=asked["attention_mask"], **words)
            written = written[:, 1 if seq2seq else asked["input_ids"].shape[1] :]
            for at, text in zip(chosen, job.tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
                texts[at] = text.strip()
        return texts

    return ask


def opened(job: Job, way: str, alone: bool = False) -> Callable[[Predict], Callable[[list], list[str]]]:
    """A way made ready: settings → prompts → texts. alone: it may take the job's model for itself."""
    if way in ("float32", "int8"):
        made = converted.Converted(job.model, way)
        return lambda how: lambda prompts: converted.answer(made, job.tokenizer, prompts, job.limit, how, ())[0]
    model = job.model if alone else copy.deepcopy(job.model)
    if way == "ours":
        matmul = params.load().numerics.matmul
        model.set_attn_implementation(getattr(family(job.kind), "ATTENTION", "sdpa"))  # as the family opens it

        def ask(how: Predict, prompts: list) -> list[str]:
            torch.set_float32_matmul_precision(matmul)
            return family(job.kind).answer(model, job.tokenizer, prompts, job.limit, how, ())[0]

        return lambda how: lambda prompts: ask(how, prompts)
    model.set_attn_implementation("sdpa")  # what `from_pretrained` takes
    model = model.to(torch.bfloat16) if way == "bf16" else model
    return lambda how: stock(job, model, how, order=way != "table order")


def modes(job: Job) -> dict[str, Predict]:
    return {"greedy": job.drawn.model_copy(update={"sample": False}), "sampled": job.drawn}


def speed(job: Job, ways: dict, rounds: int, seconds: float) -> dict:
    """Tokens a second of each way, greedy and sampled, the ways by turns; and what the texts are worth."""
    told = {}
    for mode, how in modes(job).items():
        rates, worth, start = {way: [] for way in ways}, {}, time.monotonic()
        for turn in range(rounds):
            for way, ask in ways.items():
                torch.manual_seed(SEED)
                began = time.perf_counter()
                texts = ask(how)(job.prompts)
                took = time.perf_counter() - began
                written = sum(map(len, job.tokenizer(texts, add_special_tokens=False)["input_ids"]))
                rates[way].append(max(1, written) / took)
                if job.quality and not turn:
                    worth[way] = round(job.quality(texts), 4)
            if time.monotonic() - start > seconds:
                break
        told[mode] = {"tokens_per_second": {way: spread(each) for way, each in rates.items()}}
        first = statistics.median(next(iter(rates.values())))
        told[mode]["ratio"] = {way: round(statistics.median(each) / first, 2) for way, each in rates.items()}
        told[mode] |= {"quality": worth} if worth else {}
        print(job.name, mode, json.dumps(told[mode]["ratio"]), flush=True)
    return told


def spread(each: list[float]) -> dict:
    return {"median": round(statistics.median(each), 1), "low": round(min(each), 1), "high": round(max(each), 1),
            "runs": len(each)}  # fmt: skip


def latency(job: Job, ways: dict, seconds: float) -> dict:
    """Of each way, greedy and sampled, a row asked alone: median and 95th percentile, ms."""
    told = {}
    for mode, how in modes(job).items():
        took, start = {way: [] for way in ways}, time.monotonic()
        for prompt in [job.prompts[0], *job.prompts[:ALONE]]:  # the first to warm up
            for way, ask in ways.items():
                began = time.perf_counter()
                ask(how)([prompt])
                took[way].append((time.perf_counter() - began) * 1000)
            if time.monotonic() - start > seconds:
                break
        told[mode] = {
            way: {f"p{share}": round(float(np.percentile(each[1:] or each, share)), 2) for share in (50, 95)}
            for way, each in took.items()
        }
        print(job.name, "alone", mode, json.dumps(told[mode]), flush=True)
    return told


@torch.inference_mode()
def equality(job: Job, ways: dict) -> dict:
    """Greedy answers like the first way's, and CTranslate2's log-probabilities of that way's answers beside its own."""
    how = modes(job)["greedy"]
    first = next(iter(ways.values()))(how)(job.prompts)
    told = {way: {"same": round(statistics.fmean(
        one == other for one, other in zip(first, ask(how)(job.prompts), strict=True)), 4)}
        for way, ask in ways.items()}  # fmt: skip
    if job.kind != "seq2seq":
        return told
    torch.set_float32_matmul_precision("highest")
    ids = [[*one, 1] for one in job.tokenizer(first, add_special_tokens=False)["input_ids"]]
    own = [
        job.model(input_ids=torch.tensor([prompt]), labels=torch.tensor([text])).logits[0].log_softmax(-1)
        .gather(-1, torch.tensor(text).unsqueeze(-1)).squeeze(-1).numpy()[:-1]
        for prompt, text in zip(job.prompts, ids, strict=True)
    ]  # fmt: skip
    for way in (one for one in ("float32", "int8") if one in ways):
        made = converted.Converted(job.model, way).writers(1)[0]
        texts = converted.named([text[:-1] for text in ids])
        scored = made.score_batch(converted.named(job.prompts), texts, max_input_length=0)
        apart = np.concatenate(
            [np.abs(np.array(one.log_probs)[: len(o)] - o) for one, o in zip(scored, own, strict=True)]
        )
        told[way] |= {"log_probability_apart": {"mean": float(apart.mean()), "most": float(apart.max())}}
    print(job.name, "equality", json.dumps(told), flush=True)
    return told


def memory(words: list[str], ways: list[str]) -> dict:
    """Of each way the most memory of a process that opened it alone, MiB; CTranslate2's holds the model it converts."""
    told = {}
    for way in ways:
        command = [sys.executable, "-m", "benchmarks.prediction", *words, "--alone", way]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told[way] = json.loads(done.stdout.splitlines()[-1])["peak_mib"]
    return told


def mixed(job: Job, rounds: int) -> dict:
    """Rows of three LoRA adapters, rank 8, in one batch, or adapter by adapter on the same model: seconds."""
    names = ("first", "second", "third")
    with tempfile.TemporaryDirectory() as folder:
        targets = ("q", "v") if job.kind == "seq2seq" else ("q_proj", "v_proj")
        method = Lora(kind="lora", rank=8, alpha=8, targets=targets, epochs=1, lr=1e-3, batch=1)
        for name in names:
            model = adapters.prepare(copy.deepcopy(job.model), method, family(job.kind).TASK_TYPE, "benchmark")
            adapters.save(model, method, "bases/benchmark", Path(folder) / name)
        model = adapters.beside({name: Path(folder) / name for name in names}, copy.deepcopy(job.model))
    asked = [names[at % 3] for at in range(len(job.prompts))]
    took: dict[str, list[float]] = {"together": [], "one after another": []}
    for _ in range(rounds):
        for way, lots in (("together", [None]), ("one after another", names)):
            began = time.perf_counter()
            for lot in lots:
                own = [at for at, name in enumerate(asked) if lot in (None, name)]
                prompts, variants = [job.prompts[at] for at in own], [asked[at] for at in own]
                family(job.kind).answer(model, job.tokenizer, prompts, job.limit, job.drawn, (), variants=variants)
            took[way].append(time.perf_counter() - began)
    medians = {way: statistics.median(each) for way, each in took.items()}
    return {"seconds": {way: round(one, 3) for way, one in medians.items()},
            "ratio": round(medians["one after another"] / medians["together"], 2)}  # fmt: skip


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--recipe")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    for name, default in (("rows", 64), ("tokens", 64), ("batch", 64), ("threads", 1), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--alone", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(words)
    settle(Numerics(threads=asked.threads, matmul="highest"), SEED)
    size = (asked.rows, asked.tokens, asked.batch)
    jobs = [(name, shape) for name in asked.shapes] + ([(asked.recipe, trained)] if asked.recipe else [])
    told = json.loads(asked.out.read_text("utf-8")) if asked.out.is_file() else {}
    for name, make in jobs:
        job = make(name, *size)
        if asked.alone:
            opened(job, asked.alone, alone=True)(job.drawn)(job.prompts)
            print(json.dumps({"peak_mib": round(peak(), 1)}))
            return
        ways = {way: opened(job, way) for way in asked.ways}
        found = told.setdefault(name if asked.threads == 1 else f"{name}, {asked.threads} threads", {})
        found["setting"] = {"rows": len(job.prompts), "tokens": job.limit, "batch": asked.batch} | {
            "threads": asked.threads, "weights": sum(one.numel() for one in job.model.parameters()),
        } | machine()  # fmt: skip
        if "speed" in asked.parts:
            found["speed"] = speed(job, ways, asked.rounds, asked.seconds)
        if "latency" in asked.parts:
            found["latency_ms"] = latency(job, ways, asked.seconds)
        if "equality" in asked.parts:
            found["equality"] = equality(job, ways)
        if "memory" in asked.parts:
            which = ["--shapes", name] if make is shape else ["--shapes", "--recipe", name]
            numbers = [f"--{key}={getattr(asked, key)}" for key in ("rows", "tokens", "batch", "threads")]
            found["peak_mib"] = memory([*which, *numbers], asked.ways)
        if "mixed" in asked.parts:
            found["mixed"] = mixed(job, asked.rounds)
        asked.out.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
