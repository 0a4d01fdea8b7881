"""A tuned model on disk: the files of its method, and a card with further facts."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith_local.engine.answers import Rule
from tunesmith_local.errors import AdapterError, writing
from tunesmith_local.methods import peft_files
from tunesmith_local.methods.registry import methods
from tunesmith_local.methods.tuned import CONFIG, AdapterCard, AdapterFiles, Tuned
from tunesmith_local.model.loading import BaseLM

if TYPE_CHECKING:
    from tunesmith_local.methods.method import Savable

SIDECAR = "tunesmith.json"


def save_tuned(
    tunable: Savable,
    template: str,
    max_input_tokens: int | None,
    directory: Path,
    rule: Rule = "continued",
) -> None:
    """Write a tuned model with its library's ``save_pretrained``; it appears complete or not.

    Plain PEFT or transformers reads it, unless it is a soft prompt behind the text or a probe. The
    config names the base model by its portable name, never by a path.

    Raises:
        AdapterError: ``directory`` exists and is not empty.
        OSError: the disk is full, or the folder is not writable.
    """
    if directory.exists() and any(directory.iterdir()):
        raise AdapterError(f"{directory} is not empty; export into a new directory")
    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        with writing(directory):
            tunable.save(scratch)
            base = tunable.base
            card = AdapterCard(
                base.name,
                base.fingerprint,
                template,
                max_input_tokens,
                base.tokenizer_fingerprint,
                _sha256(_weights_path(scratch)),
                rule,
            )
            (scratch / SIDECAR).write_text(json.dumps(asdict(card), indent=2), "utf-8")
            # mkdtemp and safetensors let only the owner read; a tuned model is meant to be shared.
            scratch.chmod(0o755)
            for file in scratch.rglob("*"):
                file.chmod(0o755 if file.is_dir() else 0o644)
            scratch.replace(directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def load_tuned(base: BaseLM, directory: Path) -> Tuned:
    """Load a tuned model and check that it belongs to ``base``.

    An adapter of plain PEFT, which has no fingerprint, is accepted on the shape alone, with the
    bare input as its template.

    Raises:
        AdapterError: a file is missing or damaged, the kind is unknown, or it was tuned from
            another base model.
    """
    card = _read_card(base, directory)
    _check_weights(directory, card)
    files = AdapterFiles(directory, card)
    for method in methods().values():
        if method.reads(files):
            return method.load(base, files)
    config = peft_files.read_config(directory)
    raise AdapterError(
        f"{directory / CONFIG}: a {config.peft_type} adapter; there is no method for it here"
    )


def _weights_path(directory: Path) -> Path:
    names = [method.weights_file for method in methods().values()]
    found = (directory / name for name in names if (directory / name).exists())
    return next(found, directory / peft_files.WEIGHTS)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_card(base: BaseLM, directory: Path) -> AdapterCard:
    path = directory / SIDECAR
    if not path.exists():
        return AdapterCard(base.name, "")
    try:
        card = AdapterCard(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise AdapterError(f"{path}: damaged ({error})") from error
    if card.base_fingerprint != base.fingerprint:
        raise AdapterError(
            f"{directory}: tuned from {card.base_model!r} with fingerprint "
            f"{card.base_fingerprint[:12]}, but the base model loaded as {base.name!r} has "
            f"{base.fingerprint[:12]}; load the model it was tuned from"
        )
    if card.tokenizer_fingerprint not in ("", base.tokenizer_fingerprint):
        raise AdapterError(
            f"{directory}: tuned with another tokenizer than that of {base.name!r} as it is loaded "
            "now; load the tokenizer it was tuned with"
        )
    return card


def _check_weights(directory: Path, card: AdapterCard) -> None:
    path = _weights_path(directory)
    try:
        if card.weights_sha256 and _sha256(path) != card.weights_sha256:
            raise AdapterError(f"{path}: damaged, its sha256 is not the recorded one; tune again")
    except OSError as error:
        raise AdapterError(f"{path}: missing or damaged ({error}); tune again") from error
