# Every task. `make demo` and `make test` need Python 3.11 and make; the rest they install.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo stack test test-unit check format bench chaos mutation simulate train validate lock clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

$(VENV)/created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo: $(VENV)/created pyproject.toml constraints.txt
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/dev: $(VENV)/created pyproject.toml constraints.txt
	$(PIP) --editable '.[dev,simulate]'
	@touch $@ $(VENV)/demo

demo: $(VENV)/demo ## Score a simulated fleet with the real pipeline, and write a report
	$(BIN)/driver-score demo

stack: $(VENV)/demo ## Start Kafka, Druid, Prometheus, Alertmanager and a worker on this machine
	$(BIN)/driver-score stack up

test: test-unit ## Run all tests, on an embedded broker and on real servers
	$(BIN)/python -m pytest -m "integration or e2e"

test-unit: $(VENV)/dev ## Run the tests that need no broker
	$(BIN)/python -m pytest -m "not integration and not e2e" --numprocesses 2

check: $(VENV)/dev ## Check format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev ## Measure the worker beside others that do the same job, and how long scores take (some 25 minutes)
	$(BIN)/python -m bench

chaos: $(VENV)/dev ## Kill, pause and restart workers and Kafka while a known stream is scored; SEED=number repeats a run, BROKERS=3 has a cluster
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(BROKERS),--brokers $(BROKERS))

mutation: $(VENV)/dev ## See how many small mistakes in the core unit tests notice (an hour); SEED=number draws others
	$(PIP) --editable '.[mutation]'
	$(BIN)/python -m tests.mutation $(if $(SEED),--seed $(SEED))

simulate: $(VENV)/dev ## Make the simulated fleet again (about 10 minutes)
	$(BIN)/driver-score simulate --seed 2026 --output scoring/default_fleet/fleet.parquet

train: $(VENV)/dev ## Train the default model again
	$(BIN)/driver-score train --version v2 --output scoring/default_model

validate: $(VENV)/dev ## Write docs/validation.md; STUDY=path names the 100-Car study's file
	$(BIN)/driver-score validate --study $(STUDY) --output docs/validation.md

lock: $(VENV)/dev ## Write the versions that are installed now to constraints.txt
	$(BIN)/pip freeze --exclude-editable > constraints.txt

clean: ## Remove what the tasks made
	rm -rf $(VENV) var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
