"""Which weights learn: all of them, or an adapter beside frozen ones. The only module that knows PEFT."""

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from torch.nn import Linear
from transformers import PreTrainedModel

from stages.params import Full, Lora, Peft
from stages.refusal import Refusal

ADAPTER = "adapter_config.json"
INITS = {"zero": True, "gaussian": "gaussian", "pissa": "pissa", "olora": "olora"}  # our word → PEFT's
BASE = "__base__"  # PEFT's name for no adapter, where a batch mixes them
MOVING = ("pissa", "olora")  # these take their first weights out of the base


def prepare(model: PreTrainedModel, method: Full | Lora | Peft, task_type: str, address: str) -> PreTrainedModel:
    """The model as `method` trains it. Refuses targets that the model has not.

    LoRA: Hu et al. 2021, arXiv:2106.09685; DoRA 2402.09353; rsLoRA 2312.03732; PiSSA 2404.02948; OLoRA 2406.01775.
    """
    if isinstance(method, Full):
        return model
    if isinstance(method, Peft):
        return _further(model, method, task_type, f"params.yaml: {address}.method")
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


def _further(model: PreTrainedModel, method: Peft, task_type: str, address: str) -> PreTrainedModel:
    """The model with an adapter that PEFT names. Refuses what PEFT does not know, cannot build, or cannot merge."""
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING, get_peft_model
    from peft.tuners.tuners_utils import BaseTuner

    known = {kind.value: kind for kind, tuner in PEFT_TYPE_TO_TUNER_MAPPING.items() if issubclass(tuner, BaseTuner)}
    if method.type not in known:
        raise Refusal(
            f"one of {', '.join(sorted(known))}", method.type, f"{address}.type",
            "name a method that adapts modules of the base",
        )  # fmt: skip
    settings = PEFT_TYPE_TO_CONFIG_MAPPING[known[method.type]]
    if unknown := sorted(set(method.config) - set(settings.__dataclass_fields__)):
        names = ", ".join(sorted(settings.__dataclass_fields__))
        raise Refusal(f"settings among {names}", ", ".join(unknown), f"{address}.config", "correct the name")
    try:
        adapted = get_peft_model(model, settings(task_type=task_type, **method.config))
        copy.deepcopy(adapted).merge_and_unload()  # `load` will: better asked now than after the training
    except (ValueError, TypeError, NotImplementedError) as error:
        raise Refusal(
            f"a {method.type} that PEFT can build on {type(model).__name__} and merge into it", str(error),
            f"{address}.config", "mend it, or take another type",
        ) from error  # fmt: skip
    return adapted


def count(model: PreTrainedModel) -> tuple[int, int]:
    """Trainable parameters and all parameters."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, learns in sizes if learns), sum(n for n, _ in sizes)


def save(model: PreTrainedModel, method: Full | Lora | Peft, base: str, folder: Path) -> None:
    """Write the weights that learnt, as safetensors: the model whole, or the adapter alone.

    `base` is the name under which the adapter will look for its base: PEFT would write the local path, and names of
    modules in an order that flips between runs. With `merge`, the merged model goes to merged/ as well. An adapter
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
    names = {key for key, value in config.items() if isinstance(value, list) and all(isinstance(x, str) for x in value)}
    config = {key: sorted(value) if key in names else value for key, value in config.items()}
    (folder / ADAPTER).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    if method.merge:
        model.merge_and_unload().save_pretrained(str(folder / "merged"))


def load(folder: Path, base: Path, open_model: Callable[[Path], PreTrainedModel]) -> PreTrainedModel:
    """Open what `save` wrote: the whole model, or the base with the adapter merged into it."""
    if not (Path(folder) / ADAPTER).is_file():
        return open_model(folder)
    from peft import PeftModel

    return PeftModel.from_pretrained(open_model(base), str(folder)).merge_and_unload()


def beside(folders: dict[str, Path], base: PreTrainedModel) -> PreTrainedModel:
    """Several LoRA adapters on one base, none merged: name → the folder that `save` wrote. The base is changed.

    A family's `answer` takes it as its model with `variants`, the adapter of each row; BASE is the base as it was. A
    batch may mix them (PEFT's documentation, "Inference with different LoRA adapters in the same batch"). Refuses what
    PEFT cannot mix.
    """
    from peft import PeftModel

    for name, folder in folders.items():
        config = json.loads((Path(folder) / ADAPTER).read_text("utf-8"))
        odd = [key for key in ("use_dora", "modules_to_save") if config.get(key)]
        if config.get("peft_type") != "LORA" or odd:
            found = ", ".join(odd) or str(config.get("peft_type"))
            do = "answer by it alone"
            raise Refusal("an adapter of kind lora, without DoRA and further modules", found, f"{folder}: {name}", do)
    first, *rest = folders
    mixed = PeftModel.from_pretrained(base, str(folders[first]), adapter_name=first)
    for name in rest:
        mixed.load_adapter(str(folders[name]), adapter_name=name)
    return mixed.eval()
