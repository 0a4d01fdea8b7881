"""The classifier of a linear probe: its files, and how it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.records import Classification, Generation
from tunesmith.spec import GenerationParams
from tunesmith_local.engine.answerer import Answerer
from tunesmith_local.engine.encoding import EncodedPrompt, decode, encode_answer
from tunesmith_local.engine.features import Pooling, read_features
from tunesmith_local.engine.mixing import Line, check_lengths
from tunesmith_local.engine.sampling import Decoding
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.tuned import Served, Tuned
from tunesmith_local.model.loading import BaseLM

PROBE_CONFIG = "linear_probe.json"
PROBE_WEIGHTS = "linear_probe.safetensors"
_HONORED = frozenset(
    {
        "max_new_tokens",
        "truncate_input_tokens",
        "return_options",
        # Greedy decoding reads none of these.
        "temperature",
        "top_k",
        "top_p",
        "random_seed",
        "include_stop_sequence",
    }
)
_WITHOUT_EFFECT = {
    "decoding_method": "greedy",
    "min_new_tokens": 0,
    "repetition_penalty": 1.0,
    "stop_sequences": (),
}


def check_parameters(params: GenerationParams) -> None:
    """Refuse parameters that a classifier, which chooses among whole labels, cannot honor.

    Raises:
        UnsupportedError: names the parameter.
    """
    for name, value in params.model_copy(update={"return_options": None}).asked().items():
        if name not in _HONORED and value != _WITHOUT_EFFECT.get(name):
            raise UnsupportedError(
                f"generation.{name}: a linear probe answers with the text of its most probable "
                "label and does not honor it; leave it out"
            )
    options = {key for key, value in (params.return_options or {}).items() if value}
    if not options <= {"input_text"}:
        raise UnsupportedError(
            f"return_options {', '.join(sorted(options - {'input_text'}))}: a linear probe "
            "generates no tokens and honors input_text alone; ask classify for probabilities"
        )


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted classifier of pooled hidden states; all tensors are float64, on the CPU."""

    labels: Mapping[str, str]
    """Labels that had training rows, in the order of the label set, each with its text."""
    pooling: Pooling
    coefficients: torch.Tensor
    """``[labels, hidden_size]``, of standardized features."""
    intercept: torch.Tensor
    """``[labels]``."""
    mean: torch.Tensor
    """``[hidden_size]``, of the training rows."""
    scale: torch.Tensor
    """Standard deviation, ``[hidden_size]``."""

    def probabilities(self, features: torch.Tensor) -> torch.Tensor:
        """Return the probability of each label, ``[rows, labels]``, of :func:`read_features`."""
        standardized = (features.double() - self.mean) / self.scale
        return (standardized @ self.coefficients.T + self.intercept).softmax(-1)


@dataclass(frozen=True, eq=False)
class TunedProbe(Tuned):
    """A probe in memory."""

    probe: Probe

    def answerer(self, served: Served) -> ProbeAnswerer:
        """Return the probe with its base model."""
        return ProbeAnswerer(
            base=self.base,
            template=self.card.template,
            max_input_tokens=self.card.max_input_tokens,
            probe=self.probe,
            known=served.labels.names,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ProbeAnswerer(Answerer):
    """Answers with the text of the most probable label, or with all probabilities."""

    probe: Probe
    known: Sequence[str]
    """The labels that it was tuned for."""

    def generate(
        self,
        rows: Sequence[tuple[Self, EncodedPrompt]],
        params: GenerationParams | None,
        batch_size: int,
    ) -> list[Generation]:
        """Return the text of the most probable label of each row; see :meth:`Answerer.generate`.

        Tokens are counted as if the base model had written the text, the end of text included.
        """
        params = params or GenerationParams()
        check_parameters(params)
        encoded = [prompt for _, prompt in rows]
        texts = list(self.probe.labels.values())
        shares = self._shares(encoded, batch_size)
        best = [max(range(len(row)), key=row.__getitem__) for row in shares]
        room = Decoding.of(params).max_new_tokens
        shown = bool((params.return_options or {}).get("input_text"))
        return [
            _generation(self.base, prompt, texts[place], room, shown=shown)
            for prompt, place in zip(encoded, best, strict=True)
        ]

    def classify(
        self, rows: Sequence[tuple[Self, str]], labels: Sequence[str], batch_size: int
    ) -> list[Classification]:
        """Return the probabilities of ``labels``, normalized over them.

        A label without training rows has probability 0.

        Raises:
            ExperimentError: the probe was not tuned for one of ``labels``.
            PredictionError: as :meth:`Answerer.generate`.
        """
        for label in labels:
            if label not in self.known:
                raise ExperimentError(
                    f"labels: {label!r} is none of {', '.join(self.known)}; choose of these"
                )
        encoded = [self.encode(text) for _, text in rows]
        return [
            _normalized(dict(zip(self.probe.labels, shares, strict=True)), labels).model_copy(
                update={"input_token_count": len(prompt.token_ids)}
            )
            for prompt, shares in zip(encoded, self._shares(encoded, batch_size), strict=True)
        ]

    def _shares(self, encoded: Sequence[EncodedPrompt], batch_size: int) -> list[list[float]]:
        rows = [prompt.token_ids for prompt in encoded]
        check_lengths(self.base, [Line(None, row) for row in rows], 0)
        features = read_features(self.base, rows, self.probe.pooling, batch_size)
        shares: list[list[float]] = self.probe.probabilities(features).tolist()
        return shares


def write_probe(probe: Probe, directory: Path) -> None:
    """Write ``linear_probe.safetensors`` and ``linear_probe.json``."""
    tensors = {
        "coefficients": probe.coefficients,
        "intercept": probe.intercept,
        "mean": probe.mean,
        "scale": probe.scale,
    }
    save_file({k: v.contiguous() for k, v in tensors.items()}, directory / PROBE_WEIGHTS)
    config = {"pooling": probe.pooling, "labels": dict(probe.labels)}
    (directory / PROBE_CONFIG).write_text(json.dumps(config, indent=2), "utf-8")


def read_probe(base: BaseLM, directory: Path) -> Probe:
    """Read the files of :func:`write_probe`.

    Raises:
        AdapterError: a file is missing or damaged, or does not fit the base model.
    """
    try:
        config: Any = json.loads((directory / PROBE_CONFIG).read_text("utf-8"))
        tensors: Any = load_file(directory / PROBE_WEIGHTS)
        probe = Probe(**config, **tensors)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise AdapterError(f"{directory}: cannot be read ({error}); tune again") from error
    _check(base, probe, directory)
    return probe


def _check(base: BaseLM, probe: Probe, directory: Path) -> None:
    labels, width = len(probe.labels), base.hidden_size
    expected = {
        "coefficients": (labels, width),
        "intercept": (labels,),
        "mean": (width,),
        "scale": (width,),
    }
    for name, shape in expected.items():
        tensor: torch.Tensor = getattr(probe, name)
        if tuple(tensor.shape) != shape or not torch.isfinite(tensor).all():
            raise AdapterError(
                f"{directory / PROBE_WEIGHTS}: {name} is {tuple(tensor.shape)}, but {labels} "
                f"labels and base model {base.name!r} need {shape}, all finite; tune again"
            )
    if probe.pooling not in ("mean", "last"):
        raise AdapterError(
            f"{directory / PROBE_CONFIG}: pooling {probe.pooling!r} is not known here; tune again"
        )


def _normalized(shares: dict[str, float], labels: Sequence[str]) -> Classification:
    asked = {label: shares.get(label, 0.0) for label in labels}
    total, even = sum(asked.values()), 1 / max(1, len(asked))
    return Classification(probabilities={k: v / total if total else even for k, v in asked.items()})


def _generation(
    base: BaseLM, prompt: EncodedPrompt, text: str, room: int, *, shown: bool
) -> Generation:
    tokens = encode_answer(base.tokenizer, text)
    whole = len(tokens) <= room
    written = text if whole else decode(base.tokenizer, list(tokens[:room]))
    return Generation(
        text=prompt.text + written if shown else written,
        prompt=prompt.text,
        input_token_count=len(prompt.token_ids),
        generated_token_count=min(len(tokens), room),
        stop_reason="eos_token" if whole else "max_tokens",
        truncated=prompt.truncated,
    )
