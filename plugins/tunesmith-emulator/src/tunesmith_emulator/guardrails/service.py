"""The rules of ``text/detection``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from tunesmith_emulator.envelope import wrong_field
from tunesmith_emulator.fields import Body, nested
from tunesmith_emulator.guardrails.detectors import detect
from tunesmith_emulator.guardrails.moderations import not_emulated
from tunesmith_emulator.project_scope import ProjectScope


class _Detector(Body):
    threshold: float = Field(
        0.0, ge=0, le=1, strict=False, description="must be a number from 0 to 1"
    )


class _Detectors(Body):
    hap: _Detector | None = None
    pii: _Detector | None = None
    granite_guardian: dict[str, Any] | None = Field(None, description="must be an object")


class DetectionRequest(Body):
    """A request of ``text/detection``."""

    input: str = Field(description="must be text")
    detectors: _Detectors = nested()


def detections(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ``text/detection``.

    Raises:
        ServiceError: 400, names the field.
    """
    ProjectScope.require(body)
    asked = DetectionRequest.read(body)
    if asked.detectors.granite_guardian is not None:
        raise not_emulated("detectors.granite_guardian")
    wanted = {"hap": asked.detectors.hap, "pii": asked.detectors.pii}
    if not any(wanted.values()):
        raise wrong_field("detectors", "detectors must name hap or pii.")
    found = [
        {
            "start": part.start,
            "end": part.end,
            "text": part.word,
            "detection_type": name,
            "detection": part.entity,
            "score": part.score,
        }
        for name, detector in wanted.items()
        if detector is not None
        for part in detect(name, asked.input, detector.threshold)
    ]
    return {"detections": found}
