"""Prefect: when stages run, and where their output is seen. What follows from what stays in dvc.yaml."""

import os

# Prefect reads its settings and sends its analytics as soon as it is imported, so these stand before any import of it.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# With no server running each flow starts its own, and on a busy machine that takes longer than the default 20 seconds.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90")
