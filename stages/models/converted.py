"""Answers by CTranslate2 in place of transformers: the same weights in its own kernels, on the CPU.

A float32 model writes the same tokens as transformers' and finds them as likely; an int8 one is quicker and nearly so
(tests/models/test_converted.py has both). What is drawn is drawn by its own generator, one for a batch and not one for
a row (stages.models.draws): the same rows in the same order, with the same batch, seed and threads, are answered with
the same texts, and in any other company with others.

Its vocabulary is the ids themselves, as text: where a model has more outputs than its tokenizer has tokens, the names
that CTranslate2's converter would make up are taken already.
"""

import copy
import tempfile
from functools import cached_property

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
        self.folder = tempfile.TemporaryDirectory(prefix="converted-")
        spec = _spec(model)
        spec.validate()
        spec.optimize(quantization=compute_type)
        spec.save(self.folder.name)

    @cached_property
    def opened(self):
        return self.open()

    def open(self):
        """The model, loaded anew: CTranslate2 looks at the seed while its threads begin, and never again."""
        import ctranslate2

        ctranslate2.set_random_seed(1 + torch.initial_seed() % SEEDS)
        kind = ctranslate2.Translator if self.model.config.is_encoder_decoder else ctranslate2.Generator
        threads = {"inter_threads": 1, "intra_threads": torch.get_num_threads()}
        return kind(self.folder.name, device="cpu", compute_type=self.compute_type, **threads)


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
    writer = model.open() if settings.sample else model.opened
    asked = {
        "beam_size": 1,
        "max_batch_size": settings.tokens or settings.batch,
        "batch_type": "tokens" if settings.tokens else "examples",
        "repetition_penalty": settings.repetition_penalty,
        "no_repeat_ngram_size": settings.no_repeat,
    }
    if settings.sample:
        asked |= {"sampling_temperature": settings.temperature}
        asked |= {"sampling_topk": settings.top_k, "sampling_topp": settings.top_p}
    if model.model.config.is_encoder_decoder:
        asked |= {"max_input_length": 0, "min_decoding_length": 0, "max_decoding_length": limit}
        told = writer.translate_batch(named(prompts), **asked)
        return [[int(one) for one in each.hypotheses[0]] for each in told]
    framed = [tokenizers.framed(list(one), tokenizer) for one in prompts]
    told = writer.generate_batch(named(framed), include_prompt_in_result=False, max_length=limit, **asked)
    return [each.sequences_ids[0] for each in told]


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
