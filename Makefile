# `make` prints the targets. Every target sets up .venv by itself.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test lint types bench serve lock clean

help:   ## print this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(READY): requirements.lock pyproject.toml
	@echo "setting up $(VENV), once: one to two minutes"
ifneq ($(UV),)
	uv venv --quiet --clear --python $(PYTHON) $(VENV)
	uv pip sync --quiet --python $(BIN)/python requirements.lock
else
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
endif
	@touch $@

demo: $(READY)   ## rank a simulated market: no network, no keys
	@$(BIN)/python manage.py screen_short_grid --top 20 --demo

test: lint types   ## everything CI runs
	$(BIN)/python -m pytest -n 2

lint: $(READY)   ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)   ## static types
	$(BIN)/mypy

bench: $(READY)   ## speed and memory, as ratios measured in one run
	$(BIN)/python -m tests.benchmarks

serve: $(READY)   ## the simulated exchange on port 8900
	$(BIN)/python manage.py simulate_exchange --port 8900

lock: pyproject.toml   ## resolve the pinned set anew (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header \
	  --quiet --upgrade --output-file requirements.lock
	$(PYTHON) -m tests.environment_twin > environment.yml

clean:   ## remove what set-up and tools left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
