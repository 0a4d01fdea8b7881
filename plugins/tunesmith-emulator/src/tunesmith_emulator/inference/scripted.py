"""Scripted answers in the shapes of inference. No model is loaded for them."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.records import Generation, StopReason, TokenInfo, TopToken
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.control.script import Asked, Script
from tunesmith_emulator.deployments.service import Deployments
from tunesmith_emulator.envelope import ServiceError, wrong_field
from tunesmith_emulator.guardrails.moderations import moderations_of
from tunesmith_emulator.inference import answers, parameters
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.scripted_answer import Answer, ScriptedAnswer, ToolCall, Usage, words

JSON = dict[str, Any]
_CHAT_REASONS = {str(given): told for given, told in answers.FINISH_REASONS.items()}
_STOP_REASONS: dict[str, StopReason] = {"stop": "eos_token", "length": "max_tokens"}
_MOST_TOP = 20


@dataclass(frozen=True, slots=True)
class Reply:
    """A scripted answer to one request."""

    script: ScriptedAnswer
    body: JSON
    model_id: str
    texts: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        """What is answered."""
        return self.script.answer

    @property
    def usage(self) -> Usage:
        """The numbers of tokens."""
        if self.answer.usage is not None:
            return self.answer.usage
        read = sum(len(words(text)) for text in self.texts)
        written = len(self.answer.pieces) + len(self.answer.tool_calls)
        return Usage(prompt_tokens=read, completion_tokens=written)

    @property
    def mark(self) -> JSON:
        """The field that names the script. A warning would fail the tests of careful clients."""
        return {"tunesmith": {"script": self.script.name}}

    @property
    def error(self) -> ServiceError | None:
        """The scripted error."""
        error = self.answer.error
        return ServiceError(error.status, error.code, error.message) if error else None

    def check(self) -> None:
        """Raise the scripted error."""
        if self.error is not None:
            raise self.error


class Scripted:
    """Finds the scripted answer to a request, for a model or deployment that exists."""

    def __init__(self, script: Script, catalogue: Catalogue, deployments: Deployments) -> None:
        self._script = script
        self._catalogue = catalogue
        self._deployments = deployments

    def find(self, route: str, body: JSON, deployment: str | None) -> Reply | None:
        """Return the answer to a request of ``route``, or None if a model answers.

        Raises:
            ServiceError: there is an answer, but no such model, deployment or project.
        """
        if self._script.empty:
            return None
        named = body.get("model_id")
        model_id = named if isinstance(named, str) else ""
        if deployment is not None:
            model_id = self._deployments.serving(deployment).model_id
        texts = _texts(body)
        script = self._script.next(Asked(route, model_id, deployment, texts))
        if script is None:
            return None
        if deployment is None:
            ProjectScope.require(body)
            self._catalogue.check(model_id)
        return Reply(script, body, model_id, texts)


def generation(reply: Reply) -> JSON:
    """Return the answer of ``text/generation``. The request's guardrails look at it."""
    reply.check()
    wanted = _wanted(reply)
    shown = reply.texts[-1] if wanted.input_text else ""
    made = _generated(reply, wanted)
    answer: JSON = {
        **answers.head(reply.model_id),
        "results": [answers.result(made, wanted, shown + made.text)],
        **reply.mark,
    }
    guard = moderations_of(reply.body)
    if guard is None:
        return answer
    return guard.withheld(answer, reply.texts[-1]) or guard.looked_at(answer, len(shown))


def generation_stream(reply: Reply) -> Iterator[JSON]:
    """Yield the events of ``text/generation_stream``; one event if there are guardrails."""
    if moderations_of(reply.body) is not None:
        yield generation(reply)
        return
    wanted = _wanted(reply)
    made = _generated(reply, wanted)
    _fail(reply, 0)
    nothing = Generation(
        text="", input_token_count=made.input_token_count, input_tokens=made.input_tokens
    )
    head = answers.head(reply.model_id)
    yield {**head, "results": [answers.result(nothing, wanted, "")], **reply.mark}
    shown, pieces = (reply.texts[-1] if wanted.input_text else ""), reply.answer.pieces
    for number, piece in enumerate(pieces, start=1):
        last = number == len(pieces)
        part = Generation(
            text=piece,
            generated_token_count=made.generated_token_count if last else number,
            stop_reason=made.stop_reason if last else "not_finished",
            tokens=None if made.tokens is None else made.tokens[number - 1 : number],
        )
        entry = answers.result(part, wanted, shown + piece) | {"input_token_count": 0}
        yield {**answers.head(reply.model_id), "results": [entry]}
        shown = ""
        _fail(reply, number)
    reply.check()


def chat(reply: Reply) -> JSON:
    """Return the answer of ``text/chat``."""
    reply.check()
    message: JSON = {"role": "assistant"}
    calls = [_call(one) for one in reply.answer.tool_calls]
    if reply.answer.pieces or not calls:
        message["content"] = "".join(reply.answer.pieces)
    if calls:
        message["tool_calls"] = calls
    message |= _reasoning(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply.answer)}
    return _Chat(reply).body([choice | _logprobs(reply)], usage=_counts(reply), **reply.mark)


def chat_stream(reply: Reply) -> Iterator[JSON]:
    """Yield the events of ``text/chat_stream``: pieces, tool calls, then the usage."""
    body, deltas = _Chat(reply).body, list(_deltas(reply.answer))
    positions = _logprobs(reply).get("logprobs", {}).get("content")
    role = {"role": "assistant"}
    _fail(reply, 0)
    if thought := _reasoning(reply):
        yield body([{"index": 0, "delta": {**role, **thought}, "finish_reason": None}])
        role = {}
    for number, delta in enumerate(deltas, start=1):
        last = number == len(deltas)
        choice: JSON = {"index": 0, "delta": {**role, **delta}}
        choice["finish_reason"] = _finish(reply.answer) if last else None
        if positions is not None:
            choice["logprobs"] = {"content": positions[number - 1 : number]}
        yield body([choice])
        role = {}
        _fail(reply, number)
    reply.check()
    yield body([], usage=_counts(reply), **reply.mark)


@dataclass(frozen=True)
class _Chat:
    """The fields that all parts of one chat answer share."""

    reply: Reply
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def body(self, choices: list[JSON], **more: Any) -> JSON:
        """Return one body of the answer."""
        model = self.reply.model_id
        shared = {"id": self.id, "model": model, **answers.head(model), "created": self.created}
        return {**shared, "choices": choices, **more}


def _reasoning(reply: Reply) -> JSON:
    """Return what was thought; nothing if the request asks for none."""
    shown = reply.answer.reasoning is not None and reply.body.get("include_reasoning") is not False
    return {"reasoning_content": reply.answer.reasoning} if shown else {}


def _deltas(answer: Answer) -> Iterator[JSON]:
    for piece in answer.pieces:
        yield {"content": piece}
    for index, call in enumerate(answer.tool_calls):
        whole = _call(call)
        function = whole["function"]
        yield {"tool_calls": [{"index": index, **whole, "function": {**function, "arguments": ""}}]}
        rest = {"name": "", "arguments": function["arguments"]}
        yield {"tool_calls": [{"index": index, "function": rest}]}
    if not answer.pieces and not answer.tool_calls:
        yield {"content": ""}


def _call(call: ToolCall) -> JSON:
    given = call.arguments
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return {
        "id": call.id or f"chatcmpl-tool-{uuid.uuid4().hex}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _fail(reply: Reply, sent: int) -> None:
    error = reply.answer.error
    if error is not None and error.after_chunks == sent:
        reply.check()


def _finish(answer: Answer) -> str:
    reason = answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")
    return _CHAT_REASONS.get(reason, reason)


def _counts(reply: Reply) -> JSON:
    counts = reply.usage.model_dump()
    return {**counts, "total_tokens": sum(counts.values())}


def _wanted(reply: Reply) -> parameters.Wanted:
    if reply.answer.tool_calls or reply.answer.finish_reason == "tool_calls":
        raise ServiceError(
            400,
            "unsupported",
            f"the scripted answer {reply.script.name!r} has tool_calls, and text generation has "
            "none; give it the match route: '*/text/chat*'",
        )
    if not reply.texts:
        raise wrong_field("input", "Json document validation error: input must be text.")
    return parameters.read(reply.body.get("parameters"))


def _generated(reply: Reply, wanted: parameters.Wanted) -> Generation:
    options = wanted.params.return_options or {}
    usage, nothing = reply.usage, wanted.params.max_new_tokens == 0
    reason = reply.answer.finish_reason or "eos_token"
    given = reply.answer.pieces if options.get("generated_tokens") and not nothing else None
    return Generation(
        text="" if nothing else "".join(reply.answer.pieces),
        input_token_count=usage.prompt_tokens,
        generated_token_count=0 if nothing else usage.completion_tokens,
        stop_reason="max_tokens" if nothing else _STOP_REASONS.get(reason, reason),
        tokens=None if given is None else tuple(_tokens(reply.answer, given, options)),
        input_tokens=tuple(_read(reply)) if options.get("input_tokens") else None,
    )


def _tokens(
    answer: Answer, pieces: Sequence[str], options: Mapping[str, Any]
) -> Iterator[TokenInfo]:
    for index, piece in enumerate(pieces):
        told = _told(answer, index)
        top = dict(list(told.items())[: options.get("top_n_tokens") or 0])
        yield TokenInfo(
            text=piece,
            logprob=math.log(told[piece]) if options.get("token_logprobs") and told else None,
            rank=1 if options.get("token_ranks") and told else None,
            top_tokens=_top(top) if top else None,
        )


def _told(answer: Answer, index: int) -> dict[str, float]:
    """Return the probabilities at a position, the most probable token first."""
    if answer.probabilities is None:
        return {}
    position = answer.probabilities[index]
    return dict(sorted(position.items(), key=lambda pair: -pair[1]))


def _top(probabilities: Mapping[str, float]) -> tuple[TopToken, ...]:
    return tuple(TopToken(text=t, logprob=math.log(p)) for t, p in probabilities.items())


def _read(reply: Reply) -> Iterator[TokenInfo]:
    """Yield the tokens of the prompt: words, and a label at its end with its probability.

    So a client scores labels as with a model, by prompts that end with each of them.
    """
    text, told = reply.texts[-1], _told(reply.answer, 0)
    label = max((one for one in told if one and text.endswith(one)), key=len, default="")
    start = len(text[: len(text) - len(label)].rstrip()) if label else len(text)
    for index, word in enumerate(words(text[:start])):
        yield TokenInfo(text=word, logprob=0.0 if index else None)
    if label:
        yield TokenInfo(text=text[start:], logprob=math.log(told[label]))


def _logprobs(reply: Reply) -> JSON:
    if not reply.body.get("logprobs") or reply.answer.probabilities is None:
        return {}
    asked = reply.body.get("top_logprobs")
    most = min(asked, _MOST_TOP) if isinstance(asked, int) else 0
    content = []
    for index, piece in enumerate(reply.answer.pieces):
        told = _told(reply.answer, index)
        top = [_logprob(token, told) for token in list(told)[:most]]
        content.append({**_logprob(piece, told), "top_logprobs": top})
    return {"logprobs": {"content": content}}


def _logprob(token: str, told: Mapping[str, float]) -> JSON:
    return {"token": token, "logprob": math.log(told[token]), "bytes": list(token.encode())}


def _texts(body: JSON) -> tuple[str, ...]:
    """Return the prompt, the inputs, or the messages of a request."""
    if isinstance(body.get("input"), str):
        return (body["input"],)
    for name in ("messages", "inputs"):
        if isinstance(body.get(name), list):
            return tuple(_text(one) for one in body[name])
    return ()


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, Mapping) else message
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""
