"""params.yaml as types: read once in `main`, refused whole when anything in it is wrong.

The classes mirror the file section for section. Unknown keys are refused; every mistake comes back in one message,
each with its address (`recipes.a.method.lora.rnk`), what was found, and what to write instead.
"""

from stages.params.bases import Base, FolderBase, HubBase, PackageBase
from stages.params.machine import Flow, Needs, Numerics
from stages.params.reading import FILE, check, entry, flow, load, oversized, read
from stages.params.recipes import Full, Lora, Model, Optimisation, Peft, Predict, Recipe
from stages.params.releases import Dataset, Pinned, Probe, Release
from stages.params.retrain import Drift, Retrain
from stages.params.rows import AsIs, Balance, Cap, Gate, Gather, References, Rows, Temperature
from stages.params.sources import (
    Clean,
    Enrich,
    FileSource,
    HubSource,
    Range,
    SampleSource,
    Source,
    Split,
    SqlSource,
    Validate,
)
from stages.params.strict import TextLanguage
from stages.params.whole import Params

__all__ = [
    "FILE",
    "AsIs",
    "Balance",
    "Base",
    "Cap",
    "Clean",
    "Dataset",
    "Drift",
    "Enrich",
    "FileSource",
    "Flow",
    "FolderBase",
    "Full",
    "Gate",
    "Gather",
    "HubBase",
    "HubSource",
    "Lora",
    "Model",
    "Needs",
    "Numerics",
    "Optimisation",
    "PackageBase",
    "Params",
    "Peft",
    "Pinned",
    "Predict",
    "Probe",
    "Range",
    "Recipe",
    "References",
    "Release",
    "Retrain",
    "Rows",
    "SampleSource",
    "Source",
    "Split",
    "SqlSource",
    "Temperature",
    "TextLanguage",
    "Validate",
    "check",
    "entry",
    "flow",
    "load",
    "oversized",
    "read",
]
