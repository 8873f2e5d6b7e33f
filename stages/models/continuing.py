"""How a text that an encoder-decoder writes may go on, and how likely it is; each prompt is read once."""

import copy
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import LogitsProcessorList, PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteriaList
from transformers.modeling_outputs import BaseModelOutput

from stages.models import draws
from stages.models import tokenizer as tokenizers
from stages.params import Predict

SENTENCE_ENDS = (".", "!", "?", "…", "。")


@dataclass
class Reader:
    """An encoder-decoder that reads each prompt (ids) once, for most are asked many times.

    It keeps what it read, of each prompt (tokens, width) float32 on the model's device, as long as it lives.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    known: dict[tuple[int, ...], torch.Tensor] = field(default_factory=dict)

    @cached_property
    def stops(self) -> torch.Tensor:
        """Of each token of the vocabulary, whether a sentence ends with it: (vocabulary,) bool."""
        pieces = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
        return torch.tensor([piece[-1:] in SENTENCE_ENDS for piece in pieces], device=self.model.device)

    @cached_property
    def headless(self) -> PreTrainedModel:
        """The model, weights shared, whose logits are what its head would be given: (rows, tokens, width).

        How that is scaled the architectures say in different ways (T5, mT5, UMT5), so it is left to their own forward.
        """
        head, bare = self.model.get_output_embeddings(), copy.copy(self.model)
        bare._modules = {name: torch.nn.Identity() if one is head else one for name, one in self.model._modules.items()}
        return bare

    @torch.inference_mode()
    def __call__(self, prompts: list[list[int]], settings: Predict) -> dict:
        """What the decoder looks at: the prompts' states, padded to the longest, and their mask."""
        self.model.eval()
        fresh = [list(one) for one in dict.fromkeys(map(tuple, prompts)) if one not in self.known]
        for chosen in tokenizers.batches([len(one) for one in fresh], settings.batch, settings.tokens):
            padded = self.tokenizer.pad({"input_ids": [fresh[i] for i in chosen]}, return_tensors="pt")
            states = self.model.get_encoder()(**padded.to(self.model.device)).last_hidden_state
            self.known |= {tuple(fresh[i]): one[: len(fresh[i])] for i, one in zip(chosen, states, strict=True)}
        states = pad_sequence([self.known[tuple(one)] for one in prompts], batch_first=True)
        lengths = torch.tensor([len(one) for one in prompts], device=states.device)
        mask = torch.arange(states.shape[1], device=states.device) < lengths.unsqueeze(1)
        return {"encoder_outputs": BaseModelOutput(states), "attention_mask": mask.long()}


@torch.inference_mode()
def extend(
    read: Reader, prompts: list[list[int]], written: list[list[int]], limit: int, settings: Predict, keys: torch.Tensor
) -> list[list[int]]:
    """Each text (ids, may be empty) with one more sentence, at most `limit` tokens; with the end, where that is drawn.

    keys: of the draws of each text, (texts,): where one is to go on in several ways, they differ (stages.models.draws).
    Texts of one length are no condition: shorter ones are padded on the left, which T5's relative positions allow.
    """
    model, tokenizer = read.model, read.tokenizer
    start, pad = model.config.decoder_start_token_id, tokenizer.pad_token_id
    grown: list[list[int]] = [[]] * len(prompts)
    for chosen in tokenizers.batches(_lengths(written, prompts), settings.batch, settings.tokens):
        width = max(len(written[i]) for i in chosen)
        so_far = torch.tensor([[pad] * (width - len(written[i])) + [start, *written[i]] for i in chosen])
        seen = torch.tensor([[0] * (width - len(written[i])) + [1] * (1 + len(written[i])) for i in chosen])
        told = model.generate(
            **read([prompts[i] for i in chosen], settings),
            decoder_input_ids=so_far.to(model.device),
            decoder_attention_mask=seen.to(model.device),
            max_new_tokens=limit,
            **settings.generation,
            suppress_tokens=[pad],  # a text that was padded may not repeat it, so none may say it
            logits_processor=LogitsProcessorList(draws.drawn(settings, keys[chosen])),
            stopping_criteria=StoppingCriteriaList([lambda ids, scores: read.stops[ids[:, -1]]]),
        )
        for i, more in zip(chosen, told[:, width + 1 :].tolist(), strict=True):
            grown[i] = written[i] + [token for token in more if token != pad]
    return grown


@torch.inference_mode()
def likelihood(
    read: Reader, prompts: list[list[int]], written: list[list[int]], settings: Predict, since: list[int] | None = None
) -> list[float]:
    """Of each text (ids) after its prompt (ids): the sum of its tokens' log probabilities, nats; 0 of no text.

    since: of each text, how many of its first tokens are left out of the sum, being known; 0 unless given.
    """
    model, sums, since = read.model, [0.0] * len(written), since or [0] * len(written)
    for places in tokenizers.batches(_lengths(written, prompts), settings.batch, settings.tokens):
        chosen = [i for i in places if len(written[i]) > since[i]]
        if not chosen:
            continue
        ids = [torch.tensor(written[i], dtype=torch.long, device=model.device) for i in chosen]
        texts = pad_sequence(ids, batch_first=True, padding_value=model.config.pad_token_id)
        states = read.headless(
            **read([prompts[i] for i in chosen], settings),
            decoder_input_ids=model.prepare_decoder_input_ids_from_labels(texts),
            use_cache=False,
        ).logits
        # the vocabulary is met by the tokens asked for alone, and no softmax of it is kept: either costs more than the
        # rest of a small model
        new = [(row, at) for row, i in enumerate(chosen) for at in range(since[i], len(written[i]))]
        rows, columns = torch.tensor(new, device=model.device).unbind(1)
        logits = model.get_output_embeddings()(states[rows, columns]).float()
        logs = logits.gather(1, texts[rows, columns].unsqueeze(1)).squeeze(1) - logits.logsumexp(1)
        parts = logs.split([len(written[i]) - since[i] for i in chosen])
        for i, part in zip(chosen, parts, strict=True):
            sums[i] = part.sum().item()
    return sums


def _lengths(written: list[list[int]], prompts: list[list[int]]) -> list[tuple[int, int]]:
    """What rows are batched by: a decoder's padding costs more than an encoder's."""
    return [(len(text), len(prompt)) for text, prompt in zip(written, prompts, strict=True)]
