"""The choice between chat template and plain text, made on training rows if it is left open."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.backend import Backend
from tunesmith.dataset import stratified_sample
from tunesmith.methods import render
from tunesmith.pipeline.answerable import LeftOut
from tunesmith.pipeline.predict import classify
from tunesmith.pipeline.prompts import full_template
from tunesmith.progress import Progress
from tunesmith.records import Row, decided
from tunesmith.runs.record import ChatChoice
from tunesmith.spec import TuningSpec

ROWS = 100
"""Training rows that are tried both ways: enough to detect a chat template that costs accuracy."""


def choose_chat(
    spec: TuningSpec,
    backend: Backend,
    train: Sequence[Row],
    progress: Progress,
    left_out: LeftOut | None = None,
) -> ChatChoice | None:
    """Decide whether the models of a run read the chat template; None if the method does not.

    ``auto`` takes the chat template, unless the untuned model is right on more rows of a
    sample of the training rows when it reads plain text. A chat template that adds only white
    space is not taken, because it tells the model nothing.

    Raises:
        ExperimentError: the chat template refuses the conversation.
    """
    asked = getattr(spec.method, "chat", False)
    if asked is False:
        return None
    capabilities = backend.capabilities(spec.base_model)
    if not capabilities.chat:  # chat: true was refused before
        return ChatChoice(chat=False, why=f"{spec.base_model} has no chat template here")
    chat, plain = (spec.asked_in(chat) for chat in (True, False))
    text = full_template(chat, backend, train)
    if text is None and asked == "auto" and spec.method.tunes:
        return ChatChoice(chat=False, why=f"backend {backend.name!r} tunes on plain text")
    first = None if text is None else render(text, train[0].input)
    if asked is True:
        return ChatChoice(chat=True, why="asked for", text=first)
    other = full_template(plain, backend, train) or ""
    if text is not None and text.split() == other.split():
        why = f"the chat template of {spec.base_model} adds only white space"
        return ChatChoice(chat=False, why=why)
    if text is None or not capabilities.base_label_scores or "decision" in (left_out or ()):
        why = "nothing to measure with: no label scores"
        return ChatChoice(chat=True, why=why, text=first)
    progress.stage("choose chat")
    rows = stratified_sample(train, ROWS, spec.seed)
    in_chat, as_plain = (_correct(spec, backend, one, rows, progress) for one in (text, other))
    why = (
        f"of {len(rows)} training rows the untuned model is right on {in_chat} in the "
        f"chat template and {as_plain} as plain text"
    )
    return ChatChoice(
        chat=in_chat >= as_plain, why=why, rows=len(rows), chat_correct=in_chat,
        plain_correct=as_plain,
        text=first if in_chat >= as_plain else render(other, train[0].input),
    )  # fmt: skip


def _correct(
    spec: TuningSpec, backend: Backend, template: str, rows: Sequence[Row], progress: Progress
) -> int:
    texts = [render(template, row.input) for row in rows]
    found = classify(backend, spec.base_model, texts, spec.labels, progress)
    return sum(
        decided(one.probabilities) == row.output for one, row in zip(found, rows, strict=True)
    )
