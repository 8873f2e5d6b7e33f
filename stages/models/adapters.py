"""Which weights learn: all of them, or a LoRA beside frozen ones. The only module that knows PEFT."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from torch.nn import Linear
from transformers import PreTrainedModel

from stages.params import Full, Lora
from stages.refusal import Refusal

ADAPTER = "adapter_config.json"
INITS = {"zero": True, "gaussian": "gaussian", "pissa": "pissa", "olora": "olora"}  # our word → PEFT's
MOVING = ("pissa", "olora")  # these take their first weights out of the base


def prepare(model: PreTrainedModel, method: Full | Lora, task_type: str, address: str) -> PreTrainedModel:
    """The model as `method` trains it. Refuses targets that the model has not.

    LoRA: Hu et al. 2021, arXiv:2106.09685; DoRA 2402.09353; rsLoRA 2312.03732; PiSSA 2404.02948; OLoRA 2406.01775.
    """
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
    config = LoraConfig(
        task_type=task_type,
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=list(method.targets),
        use_dora=method.dora,
        use_rslora=method.rslora,
        init_lora_weights=INITS[method.init],
    )
    adapted = get_peft_model(model, config)
    if method.init in MOVING:  # `save` subtracts these first weights, so that the adapter fits the base as it was
        config.init_lora_weights = True
        adapted.first = tempfile.TemporaryDirectory(prefix="first-")
        adapted.save_pretrained(adapted.first.name)
        config.init_lora_weights = INITS[method.init]
    return adapted


def count(model: PreTrainedModel) -> tuple[int, int]:
    """Trainable parameters and all parameters."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, learns in sizes if learns), sum(n for n, _ in sizes)


def save(model: PreTrainedModel, method: Full | Lora, base: str, folder: Path) -> None:
    """Write the weights that learnt, as safetensors: the model whole, or the adapter alone.

    `base` is the name under which the adapter will look for its base: PEFT would write the local path, and the
    targets in an order that flips between runs. With `merge`, the merged model goes to merged/ as well. An adapter
    that took its first weights out of the base is saved at twice its rank, its first weights subtracted (PEFT's
    documentation, "Initialization"): base + what is saved is the model that was trained.
    """
    model.config.use_cache = True  # Trainer switches the decoder's cache off and would save that
    first = getattr(model, "first", None)
    model.save_pretrained(str(folder), **({"path_initial_model_for_weight_conversion": first.name} if first else {}))
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
