"""Answers by CTranslate2 in place of transformers: the same weights in its own kernels, on the CPU.

A float32 model writes the same tokens as transformers' and finds them as likely; an int8 one is quicker and nearly so
(tests/models/test_converted.py has both). Rows are dealt out to a writer for each thread, for a second thread gains
little within one batch. What is drawn is drawn by a generator for each writer and not for each row
(stages.models.draws): the same rows in the same order, with the same batch, seed and threads, are answered with the
same texts, and in any other company with others.

Its vocabulary is the ids themselves, as text: where a model has more outputs than its tokenizer has tokens, the names
that CTranslate2's converter would make up are taken already.
"""

import copy
import tempfile

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stages.models import tokenizer as tokenizers
from stages.params import Predict
from stages.refusal import Refusal

LOADERS = {"t5": "T5Loader", "mt5": "MT5Loader", "llama": "LlamaLoader", "gpt2": "GPT2Loader"}  # those under test
SEEDS = 2**32 - 1  # that it takes, beside 0, which stands for none


class Converted:
    """A model of transformers (an adapter merged into it) and, in a temporary folder, the same for CTranslate2."""

    def __init__(self, model: PreTrainedModel, compute_type: str):
        self.model, self.compute_type = model, compute_type
        self.seq2seq, self.opened = model.config.is_encoder_decoder, {}
        self.folder = tempfile.TemporaryDirectory(prefix="converted-")
        spec = _spec(model)
        spec.validate()
        spec.optimize(quantization=compute_type)
        spec.save(self.folder.name)

    def writers(self, rows: int, sampled: bool = False) -> list:
        """The model opened for so many rows: as often as there are threads, and never more often than rows.

        Those that sample are opened anew each time: CTranslate2 asks for the seed when a writer first draws, and never
        again.
        """
        threads = torch.get_num_threads()
        count = max(1, min(threads, rows))
        try:
            if sampled:
                return [self._drawing(torch.initial_seed() * count + at, threads // count) for at in range(count)]
            if count not in self.opened:
                self.opened[count] = [self._open(threads // count) for _ in range(count)]
            return self.opened[count]
        finally:
            torch.set_num_threads(threads)  # CTranslate2 has told OpenMP, which torch asks too, of a writer's own

    def _drawing(self, seed: int, threads: int):
        """A writer that has drawn, and so holds this seed, whatever the next is given."""
        import ctranslate2

        ctranslate2.set_random_seed(1 + seed % SEEDS)
        writer = self._open(threads)
        if self.seq2seq:
            writer.translate_batch([["0"]], beam_size=1, max_decoding_length=1, sampling_topk=0)
        else:
            writer.generate_batch([["0"]], max_length=1, sampling_topk=0)
        return writer

    def _open(self, threads: int):
        import ctranslate2

        kind = ctranslate2.Translator if self.seq2seq else ctranslate2.Generator
        asked = {"inter_threads": 1, "intra_threads": threads}
        return kind(self.folder.name, device="cpu", compute_type=self.compute_type, **asked)


def answer(
    model: Converted,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    limit: int,
    settings: Predict,
    labels: tuple[str, ...],
    forms: None = None,
    turns: list[int] | None = None,
) -> tuple[list[str], list[None]]:
    """Write an answer of at most `limit` tokens to each prompt (ids), as the family's own `answer` does.

    It knows no forms. Rows are batched longest first; equal prompts are drawn for apart, so turns are of no account.
    """
    written = write(model, tokenizer, prompts, limit, settings)
    texts = tokenizer.batch_decode(written, skip_special_tokens=True)
    return [text.strip() for text in texts], [None] * len(prompts)


def write(
    model: Converted, tokenizer: PreTrainedTokenizerBase, prompts: list[list[int]], limit: int, settings: Predict
) -> list[list[int]]:
    """The ids of each answer, without its end."""
    asked = {
        "beam_size": 1,
        "max_batch_size": settings.tokens or settings.batch,
        "batch_type": "tokens" if settings.tokens else "examples",
        "repetition_penalty": settings.repetition_penalty,
        "no_repeat_ngram_size": settings.no_repeat,
        "asynchronous": True,
    }
    if settings.sample:
        asked |= {"sampling_temperature": settings.temperature}
        asked |= {"sampling_topk": settings.top_k, "sampling_topp": settings.top_p}
    if model.seq2seq:
        asked |= {"max_input_length": 0, "min_decoding_length": 0, "max_decoding_length": limit}
    else:
        prompts = [tokenizers.framed(list(one), tokenizer) for one in prompts]
        asked |= {"include_prompt_in_result": False, "max_length": limit}
    writers = model.writers(len(prompts), settings.sample)
    places = sorted(range(len(prompts)), key=lambda at: -len(prompts[at]))  # so that each is dealt as much
    shares = [places[at :: len(writers)] for at in range(len(writers))]
    rows = named(prompts)
    told = [
        (writer.translate_batch if model.seq2seq else writer.generate_batch)([rows[at] for at in share], **asked)
        for writer, share in zip(writers, shares, strict=True)
    ]
    written: list[list[int]] = [[]] * len(prompts)
    for share, later in zip(shares, told, strict=True):
        for at, one in zip(share, later, strict=True):
            found = one.result()
            written[at] = [int(word) for word in found.hypotheses[0]] if model.seq2seq else found.sequences_ids[0]
    return written


def named(rows: list[list[int]]) -> list[list[str]]:
    """Ids by the names that the vocabulary has for them."""
    return [[str(one) for one in row] for row in rows]


def _spec(model: PreTrainedModel):
    """The model as CTranslate2 writes it down. Refuses an architecture that nobody compared."""
    from ctranslate2.converters import transformers as converters
    from ctranslate2.specs.model_spec import OPTIONAL

    config = model.config
    if config.model_type not in LOADERS:
        raise Refusal(
            f"a model of type {', '.join(LOADERS)}", config.model_type, "params.yaml: the recipe's predict.engine",
            "write transformers",
        )  # fmt: skip
    loader = getattr(converters, LOADERS[config.model_type])()
    spec = loader.get_model_spec(copy.deepcopy(model).float().cpu())  # a copy, for some loaders take it to pieces
    names = [str(one) for one in range(config.vocab_size)]
    ends = {"eos_token": str(config.eos_token_id), "unk_token": "", "bos_token": ""}
    if config.is_encoder_decoder:
        # its loader asks `tie_word_embeddings`, which transformers 5 sets for every T5
        spec.decoder.scale_outputs = (
            config.d_model**-0.5 if getattr(config, "scale_decoder_outputs", False) else OPTIONAL
        )
        spec.register_source_vocabulary(names)
        spec.register_target_vocabulary(names)
        ends["decoder_start_token"] = str(config.decoder_start_token_id)
    else:
        spec.register_vocabulary(names)
    for name, token in ends.items():
        setattr(spec.config, name, token)
    spec.config.layer_norm_epsilon = getattr(config, "rms_norm_eps", None) or config.layer_norm_epsilon
    return spec
