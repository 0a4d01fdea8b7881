"""The files for vLLM: the soft prompt as it is, the request, and our answers to compare with.

That vLLM answers the same is tested with vLLM itself: ``make test-vllm``.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import torch
from click.testing import CliRunner
from jinja2 import Environment
from safetensors.torch import load_file, save_file

from tunesmith.cli.app import cli
from tunesmith.errors import RunError, UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.runs.run import RunDirectory
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_local.backend import LocalBackend
from tunesmith_local.catalog import Catalog
from tunesmith_local.errors import AdapterError
from tunesmith_local.exporting import vllm
from tunesmith_local.options import LocalOptions

MODEL = "tunesmith/micro-granite"
TEMPLATE = "Comment: {{input}}\nGood (1) or bad (0):\n"
SMALL = {"num_epochs": 1, "batch_size": 8, "accumulate_steps": 1, "verbalizer": TEMPLATE}
PROMPT = {"name": "prompt_tuning", "num_virtual_tokens": 4, **SMALL}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Return a function that runs a method on the embedded model."""
    folder = tmp_path_factory.mktemp("work")
    for name, rows in (("train", TRAIN), ("test", TEST)):
        lines = "".join(row.model_dump_json() + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines)

    def make(method):
        data = {name: str(folder / f"{name}.jsonl") for name in ("train", "test")}
        experiment = Experiment(
            name="For vLLM", base_model=MODEL, labels=["0", "1"], method=method, data=data
        )
        with LocalBackend(LocalOptions(store=folder / "store")) as backend:
            return experiment.run(backend, runs_dir=folder / "runs")

    return make


@pytest.fixture(scope="module")
def run(work):
    return work(PROMPT)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return Catalog(LocalOptions(store=tmp_path_factory.mktemp("unused")))


@pytest.fixture(scope="module")
def folder(run, catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "vllm"
    vllm.export(run, folder, catalog, base_model=None, rows=3)
    return folder


def lines(folder):
    return [json.loads(line) for line in (folder / vllm.EXPECTED).read_text().splitlines()]


def test_the_soft_prompt_is_that_of_the_adapter_unscaled(run, folder):
    adapter = load_file(run.directory / "adapter" / "adapter_model.safetensors")
    exported = load_file(folder / vllm.PROMPT)
    assert list(exported) == ["prompt_embeds"]
    assert exported["prompt_embeds"].dtype == torch.float32
    assert torch.equal(exported["prompt_embeds"], adapter["prompt_embeddings"])


def test_the_request_holds_the_same_rows_as_vllm_reads_them(folder):
    body = json.loads((folder / vllm.REQUEST).read_text())
    part, text = body["messages"][0]["content"]
    rows = torch.load(io.BytesIO(base64.b64decode(part["data"], validate=True)), weights_only=True)
    assert torch.equal(rows, load_file(folder / vllm.PROMPT)["prompt_embeds"])
    assert text == {"type": "text", "text": lines(folder)[0]["text"]}
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("for-vllm", 0.0, 20)


def test_the_chat_template_puts_nothing_between_the_parts(folder):
    content = [{"type": "text", "text": text} for text in ("<prompt_embeds>", " a\n", "b ")]
    template = Environment().from_string((folder / vllm.TEMPLATE).read_text())
    rendered = template.render(messages=[{"role": "user", "content": content}])
    assert rendered == "<prompt_embeds> a\nb "


def test_our_answers_are_those_of_the_run(run, folder):
    answers = run.answers("tuned")[:3]
    assert [line["text"] for line in lines(folder)] == [answer.prompt for answer in answers]
    assert [line["ended"] for line in lines(folder)] == [
        answer.generated_tokens < 20 for answer in answers
    ]
    assert all(len(line["token_ids"]) == len(line["logprobs"]) for line in lines(folder))


def test_no_file_has_a_path_of_this_machine(run, folder, catalog):
    for path in folder.iterdir():
        assert str(catalog.place(MODEL)).encode() not in path.read_bytes()
        assert str(run.directory).encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o644


def test_the_launch_line_turns_off_what_changes_the_prompt(folder, run, catalog):
    done = vllm.export(run, folder, catalog, base_model=None, rows=3)
    for part in (
        "--enable-prompt-embeds",
        "--dtype float32",
        "--chat-template-content-format openai",
        f"--model {catalog.place(MODEL)}",
        f"--chat-template {folder / vllm.TEMPLATE}",
    ):
        assert part in done.launch
    script = (folder / vllm.SERVE).read_text()
    assert '--model "${1:?' in script
    assert subprocess.run(["sh", "-n", folder / vllm.SERVE]).returncode == 0


def test_a_prompt_behind_the_text_is_the_second_part(work, catalog, tmp_path):
    run = work({**PROMPT, "prompt_position": "suffix"})
    vllm.export(run, tmp_path / "vllm", catalog, base_model=None, rows=1)
    body = json.loads((tmp_path / "vllm" / vllm.REQUEST).read_text())
    assert [part["type"] for part in body["messages"][0]["content"]] == ["text", "prompt_embeds"]


def test_a_run_without_a_soft_prompt_is_refused(work, catalog, tmp_path):
    lora = work({"name": "lora", "rank": 1, **SMALL})
    with pytest.raises(UnsupportedError, match=r"no soft prompt in it.*--enable-lora"):
        vllm.export(lora, tmp_path / "vllm", catalog, base_model=None, rows=1)
    zero_shot = work({"name": "zero_shot", "template": TEMPLATE})
    with pytest.raises(RunError, match="nothing was tuned on this machine"):
        vllm.export(zero_shot, tmp_path / "vllm", catalog, base_model=None, rows=1)
    assert not (tmp_path / "vllm").exists()


@pytest.mark.parametrize("part", ["weights", "tokenizer"])
def test_another_base_model_is_refused(run, catalog, tmp_path, part):
    other = tmp_path / "other"
    shutil.copytree(catalog.place(MODEL), other)
    if part == "weights":
        (file,) = other.glob("*.safetensors")
        save_file({k: v + 0.01 for k, v in load_file(file).items()}, file, {"format": "pt"})
    else:
        file = other / "tokenizer.json"
        values = json.loads(file.read_text())
        vocabulary = values["model"]["vocab"]
        first, second = sorted(vocabulary)[-2:]
        vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
        file.write_text(json.dumps(values))
    message = "fingerprint" if part == "weights" else "another tokenizer"
    with pytest.raises(AdapterError, match=message):
        vllm.export(run, tmp_path / "vllm", catalog, base_model=str(other), rows=1)
    assert not (tmp_path / "vllm").exists()


class Answering(BaseHTTPRequestHandler):
    """Answers as vLLM would, with what the class attribute ``change`` makes of our answers."""

    rows: list
    change = staticmethod(lambda row: row)

    def do_GET(self):
        self.send({"data": [{"id": "for-vllm"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"][1]["text"]
        row = self.change(next(row for row in self.rows if row["text"] == text))
        content = [
            {"token": f"token_id:{token}", "logprob": logprob}
            for token, logprob in zip(row["token_ids"], row["logprobs"], strict=True)
        ]
        reason = "stop" if row["ended"] else "length"
        choice = {"message": {"content": ""}, "finish_reason": reason}
        self.send({"choices": [{**choice, "logprobs": {"content": content}}]})

    def send(self, document):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda row: row, 0, "3 of 3 rows have equal tokens"),
        (lambda row: {**row, "token_ids": [t + 1 for t in row["token_ids"]]}, 1, "0 of 3 rows"),
        (lambda row: {**row, "logprobs": [p - 0.001 for p in row["logprobs"]]}, 1, "0.001"),
        (lambda row: {**row, "ended": not row["ended"]}, 1, "0 of 3 rows"),
    ],
)
def test_the_script_finds_each_difference(folder, change, code, says):
    handler = type("Handler", (Answering,), {"rows": lines(folder), "change": staticmethod(change)})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        command = [sys.executable, "-I", folder / vllm.COMPARE, address]
        done = subprocess.run(command, capture_output=True, text=True)
        server.shutdown()
    assert done.returncode == code, done.stderr
    assert says in done.stdout


def test_the_command_writes_beside_the_run(run):
    arguments = ["export", str(run.directory), "--to", "vllm", "--rows", "1", "--json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert RunDirectory.load(run.directory).directory.joinpath("vllm", vllm.COMPARE).is_file()
    assert json.loads(done.stdout)["rows"] == 1
