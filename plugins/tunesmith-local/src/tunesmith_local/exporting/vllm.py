"""The files with which vLLM serves a soft prompt: prompt, chat template, request, comparison.

vLLM takes a soft prompt as a part of a chat message, ``{"type": "prompt_embeds", "data": …}``, and
embeds the text itself. The raw chat template puts the parts behind each other, and nothing else.
"""

from __future__ import annotations

import base64
import io
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tunesmith.atomic import folder_atomically
from tunesmith.errors import ExperimentError, RunError, UnsupportedError
from tunesmith.records import TunedModel
from tunesmith.runs.directory import slug_of
from tunesmith.runs.run import ADAPTER, RunDirectory
from tunesmith.spec import GenerationParams
from tunesmith_local.catalog import Catalog
from tunesmith_local.engine.answerer import LanguageModelAnswerer
from tunesmith_local.engine.encoding import EncodedPrompt
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.errors import writing
from tunesmith_local.exporting import compare_with_vllm
from tunesmith_local.methods.adapter import load_tuned
from tunesmith_local.methods.tuned import Served, TunedLM
from tunesmith_local.model.gguf.files import file_in
from tunesmith_local.model.loading import BaseLM

PROMPT, TEMPLATE, REQUEST = "soft_prompt.safetensors", "chat_template.jinja", "request.json"
EXPECTED, COMPARE, SERVE, README = "expected.jsonl", "compare.py", "serve.sh", "README.md"
KEY = "prompt_embeds"
"""The one tensor of the soft prompt, float32 ``[num_virtual_tokens, hidden_size]``."""
RAW_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- for part in message['content'] -%}{{- part['text'] -}}{%- endfor -%}"
    "{%- endfor -%}"
)
"""The parts of the messages, behind each other. A soft prompt is one as ``<prompt_embeds>``.

It needs ``--chat-template-content-format openai``. In vLLM's default format the parts are joined
with a line break, which the soft prompt was not tuned with.
"""
NEW_TOKENS = 20
_FIRST_ARGUMENT = '"${1:?the folder of the base model}"'
_BESIDE = f'"$(dirname "$0")/{TEMPLATE}"'
_ASKED = {"generated_tokens": True, "token_logprobs": True}


@dataclass(frozen=True, slots=True)
class Exported:
    """The folder that was written, and how to start the server."""

    folder: Path
    launch: str
    rows: int


def export(
    run: RunDirectory, folder: Path, catalog: Catalog, *, base_model: str | None, rows: int
) -> Exported:
    """Write the files into ``folder``, which is new or is replaced.

    Args:
        run: of the local backend.
        folder: the new folder.
        catalog: finds the base model.
        base_model: the model that vLLM serves; by default that of the run.
        rows: test rows that the comparison asks about.

    Raises:
        RunError: the run has no adapter.
        UnsupportedError: the run has no soft prompt, or vLLM cannot read the base model.
        AdapterError: the base model has other weights or another tokenizer.
        OSError: a file cannot be written.
    """
    model = _model_of(run)
    name = base_model or model.stand_in or model.base_model
    place = catalog.place(name)
    if file_in(Path(place)) is not None:
        raise UnsupportedError(
            f"base model {name!r} is a GGUF file, whose weights vLLM would read in another type; "
            "name a directory of the same model with --base-model"
        )
    base = catalog.load(name)
    tuned = _soft_prompt(base, run.directory / ADAPTER)
    answerer = tuned.answerer(Served(model.id, model.labels, StateCache(0), StateCache(0)))
    prompts = [answerer.encode(one.input) for one in run.answers("tuned")[:rows]]
    expected = list(_expected(answerer, prompts, _new_tokens(run)))
    body = request_body(tuned, slug_of(run.record.name), expected[0]["text"], _new_tokens(run))
    template = shlex.quote(str(folder / TEMPLATE))
    launch = _launch(shlex.quote(place), template, body["model"], base)
    with folder_atomically(folder) as scratch, writing(folder):
        save_file({KEY: _rows(tuned)}, scratch / PROMPT)
        _write(scratch / TEMPLATE, RAW_TEMPLATE)
        _write(scratch / REQUEST, json.dumps(body, indent=2, ensure_ascii=False) + "\n")
        _write(scratch / EXPECTED, "".join(json.dumps(one) + "\n" for one in expected))
        _write(scratch / COMPARE, Path(compare_with_vllm.__file__).read_text("utf-8"))
        # A path of this machine is no part of files that are passed on.
        served = _FIRST_ARGUMENT if Path(place).exists() else shlex.quote(place)
        script = _launch(served, _BESIDE, body["model"], base)
        _write(scratch / SERVE, f"#!/bin/sh\nexec {script}\n")
        _write(scratch / README, _readme(run, name, tuned))
    return Exported(folder, launch, len(expected))


def request_body(tuned: TunedLM, served_as: str, text: str, new_tokens: int) -> dict[str, Any]:
    """Return the body of a request to ``/v1/chat/completions`` for one rendered text."""
    parts = [{"type": KEY, "data": _on_the_wire(_rows(tuned))}, {"type": "text", "text": text}]
    if tuned.prompt_position == "suffix":
        parts.reverse()
    return {
        "model": served_as,
        "messages": [{"role": "user", "content": parts}],
        "max_tokens": new_tokens,
        "temperature": 0.0,
        "add_generation_prompt": False,
    }


def _on_the_wire(rows: torch.Tensor) -> str:
    """Return ``rows`` as base64 of the bytes that vLLM reads.

    vLLM reads ``prompt_embeds`` with torch's own loader (``weights_only``), and with nothing else.
    So a request has to hold torch's format. Our file of the same rows is safetensors.
    """
    buffer = io.BytesIO()
    torch.save(rows, buffer)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _model_of(run: RunDirectory) -> TunedModel:
    model = run.record.model
    if model is None or not (run.directory / ADAPTER).is_dir():
        raise RunError(
            f"{run.directory}: the run has no {ADAPTER}/: nothing was tuned on this machine"
        )
    return model


def _soft_prompt(base: BaseLM, adapter: Path) -> TunedLM:
    tuned = load_tuned(base, adapter)
    if not isinstance(tuned, TunedLM) or tuned.prompt is None:
        raise UnsupportedError(
            f"{adapter}: there is no soft prompt in it; vLLM is given one of prompt_tuning or "
            "p_tuning. It serves a LoRA adapter by itself: --enable-lora"
        )
    tokens = base.tokenizer
    if (
        base.is_seq2seq
        or tokens("a")["input_ids"] != tokens("a", add_special_tokens=False).input_ids
    ):
        raise UnsupportedError(
            f"base model {base.name!r}: it has an encoder, or its tokenizer puts tokens around a "
            "text, which a chat of vLLM would put around the soft prompt too; not exported"
        )
    return tuned


def _rows(tuned: TunedLM) -> torch.Tensor:
    # Unscaled: a Granite multiplies its embeddings inside the model, the soft prompt's as well.
    assert tuned.prompt is not None  # noqa: S101  # checked by _soft_prompt
    return tuned.prompt.detach().to("cpu", torch.float32).contiguous()


def _expected(
    answerer: LanguageModelAnswerer, prompts: Sequence[EncodedPrompt], new_tokens: int
) -> Iterator[dict[str, Any]]:
    """Yield our answer to each prompt: the text to send, tokens, and their log-probabilities."""
    tokenizer, end_ids = answerer.base.tokenizer, answerer.base.end_ids
    params = GenerationParams(max_new_tokens=new_tokens, return_options=_ASKED)
    for prompt in prompts:
        text = str(tokenizer.decode(list(prompt.token_ids), clean_up_tokenization_spaces=False))
        if tuple(tokenizer(text, add_special_tokens=False).input_ids) != prompt.token_ids:
            raise ExperimentError(
                f"the prompt {text!r} is not tokenized as it was tuned, if it is sent as text; end "
                "the template in a word or a line break"
            )
        (made,) = answerer.generate([(answerer, prompt)], params, 1)
        spelled = [token.text for token in made.tokens or ()]
        ids: Any = tokenizer.convert_tokens_to_ids(spelled)
        ended = bool(ids) and ids[-1] in end_ids
        kept = ids[:-1] if ended else ids
        log_probs = [token.logprob for token in made.tokens or ()][: len(kept)]
        yield {"text": text, "token_ids": kept, "logprobs": log_probs, "ended": ended}


def _new_tokens(run: RunDirectory) -> int:
    return (run.record.experiment.get("generation") or {}).get("max_new_tokens") or NEW_TOKENS


def _launch(model: str, template: str, served_as: str, base: BaseLM) -> str:
    """Return the command that starts the server; ``model`` and ``template`` as the shell reads."""
    dtype = str(base.dtype).removeprefix("torch.")
    return (
        f"python -m vllm.entrypoints.openai.api_server --model {model} "
        f"--served-model-name {served_as} --enable-prompt-embeds --dtype {dtype} --enforce-eager "
        f"--chat-template {template} --chat-template-content-format openai"
    )


def _readme(run: RunDirectory, base_model: str, tuned: TunedLM) -> str:
    tokens = _rows(tuned).shape[0]
    where = "before" if tuned.prompt_position == "prefix" else "behind"
    return f"""# {run.record.name}: a soft prompt for vLLM

{tokens} virtual tokens {where} the text, tuned for `{base_model}`. The same weights and the same
tokenizer are needed.

1. `sh {SERVE} BASE_MODEL_FOLDER` starts the server, with `{TEMPLATE}` as its chat template.
2. `python {COMPARE}` compares its answers with those of tunesmith, row by row (`{EXPECTED}`).
3. `curl -H 'Content-Type: application/json' -d @{REQUEST} localhost:8000/v1/chat/completions` asks
   one row. Put your own text, in this template, into its `text` part:

   `{tuned.card.template!r}`

`{PROMPT}` holds the same rows as `data` in `{REQUEST}`. vLLM reads there only what torch writes.
`{EXPECTED}` and `{REQUEST}` hold test rows: leave them out if you pass the folder on.
"""


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
