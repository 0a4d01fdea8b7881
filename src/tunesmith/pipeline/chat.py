"""The choice between chat template and plain text, made on training rows if it is left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.dataset import stratified_sample
from tunesmith.methods import render
from tunesmith.pipeline.predict import classify
from tunesmith.pipeline.prompts import full_template
from tunesmith.progress import Progress
from tunesmith.records import Row, decided
from tunesmith.runs.record import ChatChoice

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.spec import TuningSpec

ROWS = 100
"""Training rows that are tried both ways: enough to detect a chat template that costs accuracy."""


def choose_chat(
    spec: TuningSpec, backend: Backend, train: Sequence[Row], progress: Progress
) -> ChatChoice | None:
    """Decide whether the models of a run read the chat template; None if the method does not.

    ``auto`` takes the chat template, unless the untuned model is right on more rows of a
    sample of the training rows when it reads plain text.

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
    if asked is True:
        return ChatChoice(chat=True, why="asked for", text=_first(text, train))
    if text is None and spec.method.tunes:
        return ChatChoice(chat=False, why=f"backend {backend.name!r} tunes on plain text")
    if text is None or not capabilities.base_label_scores:
        why = "nothing to measure with: no label scores"
        return ChatChoice(chat=True, why=why, text=_first(text, train))
    progress.stage("choose chat")
    rows = stratified_sample(train, ROWS, spec.seed)
    right = [_correct(one, backend, rows, train, progress) for one in (chat, plain)]
    chosen = right[0] >= right[1]
    return ChatChoice(
        chat=chosen,
        why=(
            f"of {len(rows)} training rows the untuned model is right on {right[0]} in the "
            f"chat template and {right[1]} as plain text"
        ),
        rows=len(rows),
        chat_correct=right[0],
        plain_correct=right[1],
        text=_first(text if chosen else full_template(plain, backend, train), train),
    )


def _first(template: str | None, train: Sequence[Row]) -> str | None:
    return None if template is None else render(template, train[0].input)


def _correct(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    train: Sequence[Row],
    progress: Progress,
) -> int:
    template = full_template(spec, backend, train) or ""
    texts = [render(template, row.input) for row in rows]
    found = classify(backend, spec.base_model, texts, spec.labels, progress)
    return sum(
        decided(one.probabilities) == row.output for one, row in zip(found, rows, strict=True)
    )
