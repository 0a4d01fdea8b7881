"""The object ``moderations`` of a text generation: what is looked for, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from tunesmith_emulator.envelope import ServiceError, Target
from tunesmith_emulator.fields import Body, flag, nested
from tunesmith_emulator.guardrails.detectors import Finding, detect

JSON = dict[str, Any]
UNSUITABLE_INPUT = {
    "id": "UNSUITABLE_INPUT",
    "message": (
        "Unsuitable input detected. Please check the detected entities on your input and try "
        "again with the unsuitable input removed."
    ),
}
"""The warning of an answer that was withheld (recorded)."""
_DEFAULT_THRESHOLD = 0.5


class _Side(Body):
    enabled: bool = flag()
    threshold: float = Field(
        _DEFAULT_THRESHOLD, ge=0, le=1, strict=False, description="must be a number from 0 to 1"
    )


class _Mask(Body):
    remove_entity_value: bool = flag()


class _Detector(Body):
    input: _Side = nested()
    output: _Side = nested()
    mask: _Mask | None = None


class _Range(Body):
    start: int = Field(ge=0, description="must be a whole number from 0")
    end: int = Field(ge=0, description="must be a whole number from 0")


class Moderations(Body):
    """What is looked for. A detector that is left out looks at nothing."""

    hap: _Detector = nested()
    pii: _Detector = nested()
    granite_guardian: _Detector = nested()
    input_ranges: list[_Range] | None = Field(None, description="must be a list of ranges")

    @property
    def on(self) -> bool:
        """Whether anything is looked at."""
        return any(one.input.enabled or one.output.enabled for _, one in self._detectors())

    def check(self) -> None:
        """Refuse a detector that is not emulated.

        Raises:
            ServiceError: 400.
        """
        guardian = self.granite_guardian
        if guardian.input.enabled or guardian.output.enabled:
            raise not_emulated("moderations.granite_guardian")

    def in_input(self, text: str) -> JSON:
        """Return what is found in the input, by detector; empty if nothing is."""
        found: JSON = {}
        for name, one in self._detectors():
            if one.input.enabled and (
                parts := self._within(detect(name, text, one.input.threshold))
            ):
                found[name] = [_shown(part, one, of_input=True) for part in parts]
        return found

    def withheld(self, answer: JSON, text: str) -> JSON | None:
        """Return ``answer`` without its text if the input ``text`` is unsuitable, else None."""
        found = self.in_input(text)
        if not found:
            return None
        (result,) = answer["results"]
        nothing = {"generated_text": "", "generated_token_count": 0, "stop_reason": "not_finished"}
        told = answer.get("system", {}).get("warnings", [])
        return {
            **answer,
            "results": [{**result, **nothing, "moderations": found}],
            "system": {"warnings": [UNSUITABLE_INPUT, *told]},
        }

    def looked_at(self, answer: JSON, start: int) -> JSON:
        """Return ``answer`` with what is found in its text, which begins at ``start``."""
        (result,) = answer["results"]
        text = result["generated_text"]
        shown, found = self.in_output(text[start:])
        result = {**result, "generated_text": text[:start] + shown, "moderations": found}
        return {**answer, "results": [result]}

    def in_output(self, text: str) -> tuple[str, JSON]:
        """Return the output, masked if a mask is asked for, and what is found in it."""
        found: JSON = {}
        for name, one in self._detectors():
            if one.output.enabled and (parts := detect(name, text, one.output.threshold)):
                found[name] = [_shown(part, one, of_input=False) for part in parts]
                if one.mask is not None:
                    text = _masked(text, parts)
        return text, found

    def _detectors(self) -> Iterator[tuple[str, _Detector]]:
        yield "hap", self.hap
        yield "pii", self.pii

    def _within(self, parts: Sequence[Finding]) -> list[Finding]:
        ranges = self.input_ranges
        if ranges is None:
            return list(parts)
        return [p for p in parts if any(r.start <= p.start and p.end <= r.end for r in ranges)]


def moderations_of(body: Mapping[str, Any]) -> Moderations | None:
    """Return the moderations of a request; None if nothing is looked at.

    Raises:
        ServiceError: 400, names the field.
    """
    guard = Moderations.read(body.get("moderations") or {}, "moderations")
    guard.check()
    return guard if guard.on else None


def not_emulated(field: str) -> ServiceError:
    """Return the refusal of Granite Guardian, which is a model of its own."""
    return ServiceError(
        400,
        "unsupported",
        f"{field}: Granite Guardian is not emulated; use hap and pii, which are rules here.",
        Target("field", field),
    )


def _shown(part: Finding, detector: _Detector, *, of_input: bool) -> Mapping[str, Any]:
    shown: JSON = {
        "score": part.score,
        "input": of_input,
        "position": {"start": part.start, "end": part.end},
        "entity": part.entity,
    }
    if detector.mask is None or not detector.mask.remove_entity_value:
        shown["word"] = part.word
    return shown


def _masked(text: str, parts: Sequence[Finding]) -> str:
    for part in parts:
        text = text[: part.start] + "*" * (part.end - part.start) + text[part.end :]
    return text
