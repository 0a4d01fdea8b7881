"""From rows and settings to what the training loop takes, everything checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import DatasetError, ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.methods import GradientTuning, VirtualTokens
from tunesmith.records import Row
from tunesmith_local.encoding import EncodedPrompt, encode_answer, encode_prompt
from tunesmith_local.loading import BaseLM
from tunesmith_local.scoring import Example
from tunesmith_local.tunables import check_method


@dataclass(frozen=True, eq=False)
class Prepared:
    """A training that is ready to start."""

    method: GradientTuning
    seed: int
    train: list[Example]
    validation: list[Example] | None
    truncated_rows: int
    """Training and validation rows whose input was cut."""
    notes: tuple[str, ...]
    """What the record should tell the user."""
    signature: str
    """Names this training: base model, settings and rows."""


def prepare(
    base: BaseLM,
    method: GradientTuning,
    labels: LabelSet,
    seed: int,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
) -> Prepared:
    """Check everything and encode the rows.

    Raises:
        ExperimentError: the settings cannot work with this base model or with each other.
        DatasetError: there are no rows, or one has no label of ``labels``.
    """
    _check(base, method, labels, train, validation)
    encoded = [_encode(base, method, row) for row in train]
    held_out = None if validation is None else [_encode(base, method, row) for row in validation]
    truncated = sum(prompt.truncated for prompt in [*encoded, *(held_out or [])])
    examples = _examples(base, labels, train, encoded)
    held_out_examples = (
        None if held_out is None else _examples(base, labels, validation or (), held_out)
    )
    return Prepared(
        method=method,
        seed=seed,
        train=examples,
        validation=held_out_examples,
        truncated_rows=truncated,
        notes=tuple(_notes(method, truncated)),
        signature=_signature(base, method, seed, [examples, held_out_examples]),
    )


def _check(
    base: BaseLM,
    method: GradientTuning,
    labels: LabelSet,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
) -> None:
    check_rows(labels, train, validation)
    _check_lengths(base, method, labels)
    check_method(base, method)


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


def _check_lengths(base: BaseLM, method: GradientTuning, labels: LabelSet) -> None:
    answers = {name: encode_answer(base.tokenizer, labels.surface(name)) for name in labels}
    _check_distinct(base, answers)
    sizes = {name: len(tokens) for name, tokens in answers.items()}
    longest = max(sizes, key=lambda name: sizes[name])
    if sizes[longest] > method.max_output_tokens:
        raise ExperimentError(
            f"method.max_output_tokens is {method.max_output_tokens}, but label {longest!r} and "
            f"its end are {sizes[longest]} tokens for {base.name!r}; raise it"
        )
    limit = None if base.is_seq2seq else base.max_positions
    virtual = method.num_virtual_tokens if isinstance(method, VirtualTokens) else 0
    needed = virtual + method.max_input_tokens + sizes[longest]
    if limit is not None and needed > limit:
        raise ExperimentError(
            f"method: num_virtual_tokens {virtual}, max_input_tokens "
            f"{method.max_input_tokens} and {sizes[longest]} answer tokens exceed the {limit} "
            f"positions of {base.name!r}; lower max_input_tokens"
        )


def _check_distinct(base: BaseLM, answers: dict[str, tuple[int, ...]]) -> None:
    seen: dict[tuple[int, ...], str] = {}
    for name, tokens in answers.items():
        # What a model says must come back as the label; unknown-token tokenizers lose letters.
        if tokens in seen:
            raise ExperimentError(
                f"labels: the tokenizer of {base.name!r} cannot tell {name!r} from "
                f"{seen[tokens]!r}: both are the tokens {list(tokens)}; use other words"
            )
        seen[tokens] = name


def _encode(base: BaseLM, method: GradientTuning, row: Row) -> EncodedPrompt:
    return encode_prompt(
        base.tokenizer, row.input, template=method.verbalizer, max_tokens=method.max_input_tokens
    )


def _examples(
    base: BaseLM, labels: LabelSet, rows: Sequence[Row], prompts: Sequence[EncodedPrompt]
) -> list[Example]:
    answers = {name: encode_answer(base.tokenizer, labels.surface(name)) for name in labels}
    return [
        Example(prompt.token_ids, answers[str(row.output)])
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def _notes(method: GradientTuning, truncated: int) -> list[str]:
    notes: list[str] = []
    if (
        isinstance(method, VirtualTokens)
        and method.init_text is not None
        and method.init_method != "text"
    ):
        notes.append(f"init_text was not used: init_method is {method.init_method!r}")
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
