"""Model families by name: each file answers the same calls (load, collator, loss, answer)."""

import importlib
from types import ModuleType


def family(name: str) -> ModuleType:
    """The family `name`, imported alone, so that a recipe depends on its own family's file and on no other."""
    return importlib.import_module(f"stages.models.{name}")
