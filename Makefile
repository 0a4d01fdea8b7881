# make demo   tune, deploy, predict and compare on the embedded model; prints the report's path
# make test   lint, types, import layers and every test
# make bench  start-up times, printed and never asserted

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := .[dev] plugins/tunesmith-sklearn plugins/tunesmith-micro-granite plugins/tunesmith-local
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench clean

demo: $(STAMP)
	@$(BIN)/tunesmith run data/grooming_reviews/experiment.yaml

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/startup.py

# Every version is pinned by constraints.txt; the packages themselves are installed editable.
$(STAMP): constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tunesmith needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  $(addprefix --editable ,$(PACKAGES))
	touch $@

clean:
	rm -rf $(VENV) build dist
