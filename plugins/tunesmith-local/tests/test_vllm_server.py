"""vLLM itself answers as tunesmith does: equal tokens, log-probabilities within 1e-4.

``make test-vllm`` makes an environment for vLLM, because it pins another version of transformers,
and sets ``TUNESMITH_VLLM`` to its Python.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tunesmith.experiment import Experiment
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_local.backend import LocalBackend
from tunesmith_local.catalog import Catalog
from tunesmith_local.exporting import vllm
from tunesmith_local.options import LocalOptions

PYTHON = os.environ.get("TUNESMITH_VLLM")
START_SECONDS = 900
GRANITE, LLAMA = "tunesmith/micro-granite", "HuggingFaceTB/SmolLM2-135M-Instruct"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYTHON is None, reason="vLLM has an environment of its own: make test-vllm"),
]


@pytest.fixture
def exported(tmp_path):
    """Return a function that tunes a soft prompt and exports it."""

    def make(base_model, **settings):
        method = {
            "name": "prompt_tuning",
            "num_virtual_tokens": 8,
            "num_epochs": 2,
            "batch_size": 8,
            "accumulate_steps": 1,
            "learning_rate": 0.03,
            "verbalizer": "Comment: {{input}}\nGood (1) or bad (0):\n",
            **settings,
        }
        data = {"train": [r.model_dump() for r in TRAIN], "test": [r.model_dump() for r in TEST]}
        experiment = Experiment(
            name="vllm", base_model=base_model, labels=["0", "1"], method=method, data=data
        )
        options = LocalOptions(store=tmp_path / "store", dtype="float32")
        with LocalBackend(options) as backend:
            run = experiment.run(backend, runs_dir=tmp_path / "runs")
        return vllm.export(run, tmp_path / "vllm", Catalog(options), base_model=None, rows=6)

    return make


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts vLLM with a launch line and gives its address."""
    started = []

    def start(launch):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [PYTHON, *shlex.split(launch)[1:], "--host", "127.0.0.1", "--port", str(port)]
        # The tests may share their processors, to which vLLM would bind its threads.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        environment |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        log = (tmp_path / "vllm.log").open("wb")
        started.extend([subprocess.Popen(command, env=environment, stdout=log, stderr=log), log])
        wait_for(f"http://127.0.0.1:{port}/health", started[-2], tmp_path / "vllm.log")
        return f"http://127.0.0.1:{port}"

    yield start
    if started:
        process, log = started
        process.terminate()
        process.wait(timeout=120)
        log.close()


def wait_for(address, process, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            with urllib.request.urlopen(address):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    pytest.fail(f"vLLM did not start: {log.read_text()[-4000:]}")


@pytest.mark.parametrize(
    ("base_model", "settings"),
    [(GRANITE, {}), (GRANITE, {"prompt_position": "suffix"}), (LLAMA, {})],
    ids=["granite", "granite-suffix", "llama"],
)
def test_vllm_answers_as_we_do(exported, serve, base_model, settings):
    done = exported(base_model, **settings)
    address = serve(done.launch)
    compared = subprocess.run(
        [sys.executable, done.folder / vllm.COMPARE, address], capture_output=True, text=True
    )
    print(compared.stdout)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "6 of 6 rows have equal tokens" in compared.stdout
