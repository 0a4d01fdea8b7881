"""Rows for the training loop: encoded, with everything checked that the tokens decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from tunesmith.errors import DatasetError, ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.methods import AUTO, GradientTuning, PromptTuning, VirtualTokens
from tunesmith.records import Row
from tunesmith_local.engine.answers import Answers, Rule
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.engine.scoring import Example
from tunesmith_local.methods.prepared import GradientRows
from tunesmith_local.model.chat_templates import template_of
from tunesmith_local.model.loading import BaseLM


def prepare(
    base: BaseLM,
    method: GradientTuning,
    labels: LabelSet,
    seed: int,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
) -> GradientRows:
    """Encode the rows of :func:`check_rows`, and check the labels and all lengths.

    Raises:
        ExperimentError: the settings cannot work with this base model or with each other.
    """
    template = template_of(base, method)
    limit = method.max_input_tokens
    encoded = encode_rows(base, template, limit, train)
    held_out = None if validation is None else encode_rows(base, template, limit, validation)
    answers, longest, label = answers_of(base, method, labels, [*encoded, *(held_out or [])])
    _check_lengths(base, method, longest, label)
    truncated = sum(prompt.truncated for prompt in [*encoded, *(held_out or [])])
    examples = _examples(answers, labels, train, encoded)
    held_out_examples = (
        None if held_out is None else _examples(answers, labels, validation or (), held_out)
    )
    return GradientRows(
        settings=method,
        seed=seed,
        train=examples,
        validation=held_out_examples,
        truncated_rows=truncated,
        template=template,
        max_input_tokens=limit,
        rule=answers.rule,
        notes=tuple(_notes(method, truncated, answers.rule)),
        signature=_signature(base, method, seed, [examples, held_out_examples]),
    )


def check_rows(labels: LabelSet, train: Sequence[Row], validation: Sequence[Row] | None) -> None:
    """Refuse a part without rows, and a row without a label of ``labels``.

    Raises:
        DatasetError: names the part and the row.
    """
    if not train:
        raise DatasetError("there are no training rows")
    if validation is not None and not validation:
        raise DatasetError("the validation set has no rows; leave it out or give some")
    for part, rows in (("train", train), ("validation", validation or ())):
        for index, row in enumerate(rows):
            if row.output not in labels:
                raise DatasetError(
                    f"{part} row {index}: output {row.output!r} is not one of the labels "
                    f"{', '.join(map(repr, labels))}"
                )


def encode_rows(
    base: BaseLM, template: str, max_input_tokens: int, rows: Sequence[Row]
) -> list[EncodedPrompt]:
    """Put each input into the template, cut and tokenize it."""
    return [
        encode_prompt(base.tokenizer, row.input, template=template, max_tokens=max_input_tokens)
        for row in rows
    ]


def answers_of(
    base: BaseLM, method: GradientTuning, labels: LabelSet, prompts: Sequence[EncodedPrompt]
) -> tuple[Answers, int, str]:
    """Return the labels as answers, and the tokens and the text of the longest one.

    Raises:
        ExperimentError: an answer does not come back from the tokenizer, or two are alike.
    """
    texts = [labels.surface(name) for name in labels]
    continued = Answers(base, texts, ended=True)
    longest, label = continued.check(prompts)
    apart = Answers(base, texts, ended=True, rule="apart")
    shorter, _ = apart.check(prompts[:1])
    # A limit that was set for labels alone holds, as it did before a space could come first.
    if shorter <= method.max_output_tokens < longest:
        return apart, shorter, label
    return continued, longest, label


def _check_lengths(base: BaseLM, method: GradientTuning, longest: int, label: str) -> None:
    if longest > method.max_output_tokens:
        raise ExperimentError(
            f"method.max_output_tokens is {method.max_output_tokens}, but label {label!r} and "
            f"its end are {longest} tokens for {base.name!r}; raise it"
        )
    limit = None if base.is_seq2seq else base.max_positions
    virtual = method.virtual_tokens if isinstance(method, VirtualTokens) else 0
    needed = virtual + method.max_input_tokens + longest
    if limit is not None and needed > limit:
        raise ExperimentError(
            f"method: num_virtual_tokens {virtual}, max_input_tokens "
            f"{method.max_input_tokens} and {longest} answer tokens exceed the {limit} "
            f"positions of {base.name!r}; lower max_input_tokens"
        )


def _examples(
    answers: Answers, labels: LabelSet, rows: Sequence[Row], prompts: Sequence[EncodedPrompt]
) -> list[Example]:
    places = {name: place for place, name in enumerate(labels)}
    examples = []
    for row, prompt in zip(rows, prompts, strict=True):
        continued = answers.behind(prompt)
        examples.append(Example(continued.prompt, continued.answers[places[str(row.output)]]))
    return examples


def _notes(method: GradientTuning, truncated: int, rule: Rule) -> list[str]:
    notes: list[str] = []
    if rule == "apart":
        notes.append(
            f"max_output_tokens {method.max_output_tokens} leaves no room for the space before a "
            "label: labels are tuned without it"
        )
    if (
        isinstance(method, VirtualTokens)
        and method.init_text is not None
        and method.init_method != "text"
    ):
        notes.append(f"init_text was not used: init_method is {method.init_method!r}")
    if isinstance(method, PromptTuning) and method.search_epochs and method.learning_rate != AUTO:
        notes.append("search_epochs was not used: learning_rate is not 'auto'")
    if truncated:
        notes.append(
            f"{truncated} rows were cut on the left to {method.max_input_tokens} input tokens"
        )
    return notes


def _signature(
    base: BaseLM, method: GradientTuning, seed: int, parts: Sequence[list[Example] | None]
) -> str:
    facts: dict[str, Any] = {
        "base": base.fingerprint,
        "dtype": str(base.dtype),
        "method": {"name": method.name, **method.model_dump(mode="json")},
        "seed": seed,
        "rows": [part and [(row.prompt, row.answer) for row in part] for part in parts],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
