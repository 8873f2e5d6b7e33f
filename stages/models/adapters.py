"""Which weights learn: all of them, or a LoRA beside frozen ones. The only module that knows PEFT."""

import json
from collections.abc import Callable
from pathlib import Path

from torch.nn import Linear
from transformers import PreTrainedModel

from stages.params import Full, Lora
from stages.refusal import Refusal

ADAPTER = "adapter_config.json"


def prepare(model: PreTrainedModel, method: Full | Lora, task_type: str, address: str) -> PreTrainedModel:
    """The model as `method` trains it (Hu et al. 2021 for LoRA). Refuses targets that the model has not."""
    if isinstance(method, Full):
        return model
    from peft import LoraConfig, get_peft_model

    names = {name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, Linear)}
    absent = [target for target in method.targets if target not in names]
    if absent:
        raise Refusal(
            f"linear modules of {type(model).__name__}: {', '.join(sorted(names))}",
            ", ".join(absent), f"params.yaml: {address}.method.targets", "name modules that this base has",
        )  # fmt: skip
    return get_peft_model(
        model,
        LoraConfig(
            task_type=task_type,
            r=method.rank,
            lora_alpha=method.alpha,
            lora_dropout=method.dropout,
            target_modules=list(method.targets),
        ),
    )


def count(model: PreTrainedModel) -> tuple[int, int]:
    """Trainable parameters and all parameters."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, learns in sizes if learns), sum(n for n, _ in sizes)


def save(model: PreTrainedModel, method: Full | Lora, base: str, folder: Path) -> None:
    """Write the weights that learnt, as safetensors: the model whole, or the adapter alone.

    `base` is the name under which the adapter will look for its base: PEFT would write the local path, and the
    targets in an order that flips between runs. With `merge`, the merged model goes to merged/ as well.
    """
    model.config.use_cache = True  # Trainer switches the decoder's cache off and would save that
    model.save_pretrained(str(folder))
    if isinstance(method, Full):
        return
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's own card, empty
    config = json.loads((folder / ADAPTER).read_text("utf-8"))
    config["base_model_name_or_path"] = base
    config = {key: sorted(value) if key == "target_modules" else value for key, value in config.items()}
    (folder / ADAPTER).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    if method.merge:
        model.merge_and_unload().save_pretrained(str(folder / "merged"))


def load(folder: Path, base: Path, open_model: Callable[[Path], PreTrainedModel]) -> PreTrainedModel:
    """Open what `save` wrote: the whole model, or the base with the adapter merged into it."""
    if not (Path(folder) / ADAPTER).is_file():
        return open_model(folder)
    from peft import PeftModel

    return PeftModel.from_pretrained(open_model(base), str(folder)).merge_and_unload()
