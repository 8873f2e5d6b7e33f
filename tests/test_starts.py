"""What stages import before they do anything: a library that takes half a second to open waits until it is asked."""

import subprocess
import sys

import pytest

SLOW = ("torch", "transformers", "datasets", "sklearn", "scipy", "pandas", "great_expectations", "dvc", "prefect")
LIGHT = ("account", "clean", "collect", "compare", "enrich", "evaluate", "fetch", "share", "validate")


@pytest.mark.parametrize("stage", LIGHT)
def test_a_stage_that_needs_no_model_opens_nothing_slow(stage):
    code = f"import sys, stages.{stage}; print({{*{SLOW}}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
