"""The route of text detection."""

from __future__ import annotations

from pydantic import BaseModel

from tunesmith_emulator.guardrails.detectors import RULES
from tunesmith_emulator.guardrails.service import DetectionRequest, detections
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Route
from tunesmith_emulator.routes.shapes import InScope


def detect(body: JsonBody) -> JSON:
    """Answer ``text/detection``."""
    return detections(body)


class _Request(DetectionRequest, InScope):
    """A text, and what to look for."""


class _Detection(BaseModel):
    start: int
    end: int
    text: str
    detection_type: str
    detection: str
    score: float


class _Detections(BaseModel):
    detections: list[_Detection]


ROUTES = (
    Route(
        "POST",
        "/ml/v1/text/detection",
        detect,
        ("sdk", "recorded"),
        "guardrails",
        body=_Request,
        answer=_Detections,
        note=f"{RULES[0].upper()}{RULES[1:]}. Granite Guardian is refused.",
    ),
)
