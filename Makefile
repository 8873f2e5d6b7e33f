# `make` alone lists what there is. Two commands matter: `make repro` runs the pipeline, `make test` runs the tests.
.DEFAULT_GOAL := help
.PHONY: help install repro demo ui quit work test soak check rebuild profile lock
SHELL := /bin/bash

PYTHON ?= python3
TORCH := $(shell grep '^torch==' requirements.lock | cut -d= -f3)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONHASHSEED := 0
export PYTHONUNBUFFERED := 1
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false
# Figures are for people to read while they wait; a line every half minute is enough in a log.
export TQDM_MININTERVAL ?= 5

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: .venv/.installed  ## make .venv with exactly the packages of requirements.lock

# torch first and by itself: its CPU build where the index offers one (a local version sorts above the plain one), and
# exactly the plain CUDA build (=== compares as text) where there is an NVIDIA GPU. So the lock has no hash of it; pip
# holds every other file to the lock's. torch once more, for the libraries that its CUDA build alone asks for.
.venv/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
		|| { echo "Reviewmill needs Python 3.11 or 3.12, and $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing the pinned packages into .venv (a few minutes, once)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@if nvidia-smi >/dev/null 2>&1; then torch="torch===$(TORCH)"; else torch="torch==$(TORCH)"; fi; \
		pip install -qq --no-deps "$$torch" && pip install -qq --no-deps -r requirements.lock && pip install -qq "$$torch"
	@pip install -qq 'async-timeout==5.0.1; python_full_version < "3.11.3"'  # redis asks for it there; the lock is of a later 3.11
	@pip check
	@touch $@

repro: install  ## run the pipeline, independent stages side by side, and print the table of results
	@url="$${PREFECT_API_URL:-$$(python -m flows.ui address)}"; \
		if [ -n "$$url" ]; then export PREFECT_API_URL="$$url"; else unset PREFECT_API_URL; fi; \
		python -m flows.pipeline  # set and empty, it would cost each event of Prefect's an error
	@python -m stages.table data/reports/$$(sed -nE 's/.*report: *([^},]+).*/\1/p' params.yaml).json

demo: install .venv/.demo  ## try the models in a browser: http://127.0.0.1:7860, on this machine alone (another port: make demo PORT=8000)
	@python -m demo.app --port $(or $(PORT),7860)

# Beside requirements.lock, of which every training is a dependent; without it all but the demo and its test works.
.venv/.demo: demo/requirements.lock .venv/.installed
	@echo "Installing the demo's packages into .venv (once)"
	@pip install -qq --no-deps -r demo/requirements.lock
	@touch $@

ui: install  ## start a local Prefect server with a worker and the schedules of prefect.yaml, and print its address
	@python -m flows.ui start

quit: install  ## stop what `make ui` started, with the runs it has under way
	@python -m flows.ui stop

work: install  ## a worker on a further machine, for the server at PREFECT_API_URL
	@python -m flows.ui work

test: install .venv/.demo  ## run all tests, the end-to-end run through the real command line and the demo in a browser included
	@python -m pytest -n 2 --dist worksteal --durations 15

soak: install  ## the tests that take many minutes, one after another: real schedules, retraining by the real stages
	@python -m pytest -m soak

check: install  ## ruff, format, import contracts, params.yaml and dvc.yaml valid, packages as the lock, manifest.json as dvc.lock
	@ruff check .
	@ruff format --check .
	@lint-imports --no-logo
	@python -c 'from stages import params; params.load()'
	@dvc stage list > /dev/null
	@python -m flows.environment
	@python -m flows.manifest --check
	@echo "check: all good"

rebuild: install  ## build a past commit again from its raw rows and compare: make rebuild REV=<commit, tag, repo@tag>
	@python -m flows.rebuild $(REV)

profile: install  ## lay profiles/<P>.yaml over params.yaml: make profile P=nsmc (back: git checkout params.yaml)
	@python -m stages.profile $(P)

lock: ## resolve pyproject.toml anew into requirements.lock, deliberately
	@rm -rf .lock && $(PYTHON) -m venv .lock
	@.lock/bin/pip install -qq torch==$(TORCH)
	@.lock/bin/pip install -qq '.[dev]' uv
	@.lock/bin/pip freeze --all --exclude reviewmill --exclude pip --exclude uv --exclude torch > .lock/frozen
	@.lock/bin/uv pip compile -q --no-deps --generate-hashes --no-annotate --no-header .lock/frozen -o .lock/hashed
	@{ cat .lock/hashed; echo "torch==$(TORCH)"; } > requirements.lock
	@rm -rf .lock build *.egg-info && git diff --stat requirements.lock
