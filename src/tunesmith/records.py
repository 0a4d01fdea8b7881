"""The nouns of the pipeline: frozen values that survive JSON and hold no live handle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tunesmith.clock import now
from tunesmith.labels import LabelSet


class Record(BaseModel):
    """Base of all records: frozen, strict about unknown fields, JSON both ways."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> str:
        """Return the record as JSON text."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a record back; the inverse of :meth:`to_json`."""
        return cls.model_validate_json(text)


def json_lines(records: Iterable[Record]) -> str:
    """Return the records as JSON lines."""
    return "".join(record.model_dump_json() + "\n" for record in records)


def check_writable(values: BaseModel, fields: Iterable[str]) -> None:
    """Check that a file can hold the texts in ``fields``.

    Raises:
        ValueError: a text has half of a surrogate pair; the message names the field.
    """
    for field in fields:
        try:
            values.model_dump_json(include={field})
        except ValueError:  # pydantic's own kind of it
            raise ValueError(
                f"{field}: a text in it has half of an emoji or of another character, which no "
                "file can hold; remove it"
            ) from None


class Row(Record):
    """One row of data."""

    input: str
    output: str | None = None
    """The label; None in data that is only predicted on."""


class Tool(Record):
    """A function that a chat model may ask its user to call."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """The JSON schema of its arguments, which are an object."""


class ToolCall(Record):
    """A call of a tool that a chat model asked for."""

    id: str
    name: str
    arguments: str
    """A JSON object, as text."""


class Message(Record):
    """One turn of a conversation with a chat model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """The calls that the assistant asked for."""
    tool_call_id: str | None = None
    """The call that a message of a tool answers."""


class Usage(Record):
    """Tokens that a service has counted, as it bills them."""

    input_tokens: int = 0
    output_tokens: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return the sum."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )

    def since(self, before: Usage) -> Usage:
        """Return the tokens beyond ``before``."""
        return Usage(
            input_tokens=self.input_tokens - before.input_tokens,
            output_tokens=self.output_tokens - before.output_tokens,
        )


class BaseModelInfo(Record):
    """A base model as one backend serves it."""

    name: str
    """Portable name, e.g. ``ibm-granite/granite-4.0-350m``."""
    summary: str = ""
    stand_in: str | None = None
    """The model that answers in its place, if another one does."""


class StepLoss(Record):
    """Mean training loss of one optimizer step (nats per label token)."""

    step: int
    epoch: int
    loss: float


class EpochLoss(Record):
    """Losses of one epoch (nats per label token)."""

    epoch: int
    loss: float
    validation_loss: float | None = None


class LearningCurve(Record):
    """Losses by optimizer step (from 1) and by epoch (from 1)."""

    steps: tuple[StepLoss, ...] = ()
    epochs: tuple[EpochLoss, ...] = ()
    best_epoch: int | None = None
    """The epoch whose weights were kept, if validation chose it."""


JobStatus = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]
FINISHED: frozenset[str] = frozenset({"completed", "failed", "cancelled", "interrupted"})


class TuningEvent(Record):
    """Something that happened in a tuning job."""

    time: datetime = Field(default_factory=now)
    kind: Literal["status", "step", "epoch", "note"]
    status: JobStatus | None = None
    step: int | None = None
    total_steps: int | None = None
    epoch: int | None = None
    loss: float | None = None
    validation_loss: float | None = None
    message: str = ""


class TriedValue(Record):
    """A value that a search tried for a setting, judged on rows that were held out."""

    value: float | int | str
    epochs: float
    """Training that it got, in epochs over the training rows."""
    loss: float | None
    """In nats: of the right label among the labels, or of the right answer for each of its tokens;
    None if the training diverged."""
    accuracy: float | None
    """Share of right decisions; None if decisions did not judge."""


class ChosenSetting(Record):
    """A setting that the backend chose, because it was ``auto``."""

    setting: str
    value: float | int | str
    reason: str
    tried: tuple[TriedValue, ...] = ()
    """In order; the last entry of a value counts."""
    held_out_rows: int = 0
    """Training rows that judged the values."""
    epochs: float = 0.0
    """Cost of the search, in epochs over the training rows."""
    seconds: float = 0.0
    """Wall time of the search."""


class TunedModel(Record):
    """The result of a tuning. ``location`` is relative to the store of its backend."""

    id: str
    backend: str
    base_model: str
    stand_in: str | None = None
    method: dict[str, Any]
    """``name`` and hyper-parameters, defaults included. A setting that was ``auto`` has its value
    here."""
    labels: LabelSet
    job_id: str
    created_at: datetime = Field(default_factory=now)
    location: str | None = None
    curve: LearningCurve = LearningCurve()
    choices: tuple[ChosenSetting, ...] = ()
    """The settings that were ``auto``; ``method`` has their values."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Facts that the backend adds: ``optimizer_steps``, ``truncated_rows``,
    ``init_text``, device, dtype…"""


class Deployment(Record):
    """A tuned model that answers."""

    id: str
    name: str
    backend: str
    base_model: str
    model: TunedModel
    created_at: datetime = Field(default_factory=now)
    details: dict[str, Any] = Field(default_factory=dict)


StopReason = Literal[
    "not_finished", "max_tokens", "eos_token", "cancelled", "time_limit", "stop_sequence",
    "token_limit", "error",
]  # fmt: skip


class TopToken(Record):
    """A candidate for one position, with its log-probability (natural logarithm)."""

    text: str
    logprob: float


class TokenInfo(Record):
    """One token with its log-probability (natural logarithm), if asked for."""

    text: str
    logprob: float | None = None
    rank: int | None = None
    """1 for the most probable token of its position."""
    top_tokens: tuple[TopToken, ...] | None = None
    """The most probable tokens of its position, the most probable first."""


class Generation(Record):
    """The text that a model generated for one input."""

    text: str
    prompt: str | None = None
    """The text that the model read, after template and cut; None if it is not known."""
    input_token_count: int | None = None
    """Tokens of the prompt, virtual tokens not counted."""
    generated_token_count: int | None = None
    """Generated tokens, the end-of-text token included."""
    stop_reason: StopReason = "not_finished"
    truncated: bool = False
    """Whether the input was cut to ``max_input_tokens``."""
    tokens: tuple[TokenInfo, ...] | None = None
    input_tokens: tuple[TokenInfo, ...] | None = None
    """The tokens of the prompt, virtual tokens not counted, each with its log-probability behind
    those before it; the first may have none. Only if asked for."""


class Classification(Record):
    """Probabilities over the labels for one input; they sum to one."""

    probabilities: dict[str, float]
    mass: float | None = None
    """Probability of all labels together among everything that the model could write, 0 to 1;
    None if the backend does not give it."""
    input_token_count: int | None = None
    """Tokens of the prompt, virtual tokens not counted; None if it is not known."""


class Decision(Record):
    """The most probable label for one text."""

    label: str
    probability: float
    """Of ``label``; calibrated if the run was, as all but ``raw``."""
    probabilities: dict[str, float]
    """Of each label; they sum to one."""
    raw: dict[str, float]
    """As the backend gave them."""
    abstains: bool | None = None
    """Whether ``probability`` is below the threshold of the run; None if it has none."""


class Embedding(Record):
    """A text as a vector of length 1. Similar texts have vectors with a large dot product."""

    vector: tuple[float, ...]
    token_count: int
    """Tokens that were read, without those that a model adds to every text."""
    unread_token_count: int = 0
    """Tokens of the text's end that were not read."""

    @property
    def truncated(self) -> bool:
        """Whether the end of the text was not read."""
        return self.unread_token_count > 0


class LabelTokens(Record):
    """The tokens with which a base model would write a label."""

    tokens: tuple[str, ...]
    """Those with which it continues the prompt, as the vocabulary spells them."""
    mass: float
    """Its probability among everything that the model could write, mean over the prompts."""


ModelRole = Literal["tuned", "base"]
BaseInput = Literal["same", "bare"]
"""The input of the base model beside a tuned one: the same text, or that without template."""
Reading = Literal["decision", "text"]
"""The reading of an answer: the most probable label, or the label that the model wrote."""


class Prediction(Record):
    """One line of ``predictions.jsonl``: the answer of one model for one row.

    Older lines with only one reading lack ``answer``, ``said`` and
    ``probabilities``; their label is the one that the model wrote.
    """

    row: int
    """Index in the test file, from 0."""
    model: ModelRole
    input: str
    prompt: str
    """The text after the template."""
    text: str | None
    """The text that the model wrote; None if that reading was left out."""
    label: str | None
    """The answer in the reading ``answer``; None if the text is no label."""
    expected: str | None
    answer: Reading = "text"
    """The reading of ``label``."""
    said: str | None = None
    """The label that ``text`` is, or None; recorded if ``answer`` is a decision."""
    probabilities: dict[str, float] | None = None
    """Of each label, as the backend gave them; None if it has no label scores."""
    calibrated: dict[str, float] | None = None
    """The probabilities at the temperature of the run, if it was calibrated."""
    input_tokens: int | None = None
    """Tokens of the prompt, as the backend counts them; None if it does not."""
    generated_tokens: int | None = None
    columns: dict[str, Any] | None = None
    """The other columns of the row, in a file of ``tunesmith predict``."""

    def read_as(self, answer: Reading) -> Prediction | None:
        """Return the same answer in another reading; None if it is not recorded."""
        if answer == self.answer:
            return self
        if answer == "text":
            if self.text is None:
                return None
            return self.model_copy(update={"answer": answer, "label": self.said})
        if self.probabilities is None:
            return None
        return self.model_copy(
            update={"answer": answer, "label": decided(self.probabilities), "said": self.label}
        )


def decided(probabilities: dict[str, float]) -> str:
    """Return the most probable label, the first of equals."""
    return max(probabilities, key=probabilities.__getitem__)
