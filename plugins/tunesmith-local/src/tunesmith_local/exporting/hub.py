"""Adapters on the Hugging Face hub: push one of a run, and load one by name and revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # not listed

from tunesmith.errors import (
    AuthenticationError,
    BackendError,
    ExperimentError,
    NotFoundError,
    RunError,
    TunesmithError,
)
from tunesmith.records import TunedModel
from tunesmith.report.model_card import CARD
from tunesmith.runs.run import ADAPTER, RunDirectory
from tunesmith_local.store import Store

HUB = "hub:"
"""Begins the name of a model on the hub, as in data files."""
_FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", CARD)
"""The files that are loaded. Others, pickles among them, stay on the hub."""
_STATUSES: dict[int, tuple[type[TunesmithError], str]] = {
    401: (AuthenticationError, "log in with: hf auth login (or set HF_TOKEN)"),
    403: (AuthenticationError, "the token does not allow this; it needs the right to write"),
    404: (NotFoundError, "check the name, the revision, and whether it is private (HF_TOKEN)"),
}


@dataclass(frozen=True, slots=True)
class Push:
    """What is pushed, and where to."""

    repository: str
    private: bool
    files: dict[str, int]
    """Bytes of each file, by its path in the repository."""
    metadata: dict[str, object]
    """Of the model card."""


def plan_push(run: RunDirectory, repository: str, *, private: bool) -> Push:
    """Check everything that needs no network.

    Raises:
        RunError: the run has no adapter, or no model card.
        ExperimentError: ``repository`` is no name of one.
    """
    folder = run.directory / ADAPTER
    if not folder.is_dir():
        raise RunError(
            f"{run.directory}: the run has no {ADAPTER}/ to push: nothing was tuned, or its "
            "backend keeps the tuned model"
        )
    if not (folder / CARD).is_file():
        raise RunError(f"{folder}: there is no {CARD}; finish the run: tunesmith resume")
    _check_name(repository)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Push(
        repository,
        private,
        {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths},
        _metadata(folder / CARD),
    )


def push(run: RunDirectory, planned: Push, api: HfApi | None = None) -> str:
    """Push the adapter with its card in one commit; return the address of the commit.

    The repository is made if it is missing. One that is there keeps its visibility.

    Raises:
        BackendError: the hub cannot be reached or refuses.
    """
    api = api or HfApi()
    with _translated(f"pushing to {planned.repository!r}"):
        api.create_repo(planned.repository, private=planned.private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=planned.repository,
            folder_path=run.directory / ADAPTER,
            commit_message=f"{run.record.name}: {run.record.experiment['method']['name']}",
        )
    return str(commit.commit_url)


def load(source: str, store: Store, revision: str | None = None) -> TunedModel:
    """Put an adapter into ``store`` and return its model, ready to be deployed.

    The base model is checked when it is deployed: one with other weights or another tokenizer is
    refused.

    Args:
        source: ``hub:OWNER/NAME``, or a folder such as ``RUN/adapter``.
        store: of the local backend.
        revision: branch, tag or commit on the hub; by default the main branch.

    Raises:
        NotFoundError: there is no such folder, repository or revision.
        AdapterError: it is no adapter that tunesmith exported.
        BackendError: the hub cannot be reached or refuses.
    """
    folder = _downloaded(source, revision) if source.startswith(HUB) else Path(source)
    return store.adopt(folder, source)


def _downloaded(source: str, revision: str | None) -> Path:
    name = source.removeprefix(HUB)
    _check_name(name)
    with _translated(f"loading {name!r} at revision {revision or 'main'}"):
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_FILES)))


def _metadata(card: Path) -> dict[str, object]:
    _, _, rest = card.read_text("utf-8").partition("---\n")
    head, found, _ = rest.partition("---\n")
    return dict(yaml.safe_load(head) or {}) if found else {}


def _check_name(repository: str) -> None:
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise ExperimentError(f"{repository!r}: no name of a repository: {error}") from None


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        kind, hint = _STATUSES.get(status, (BackendError, "try again later"))
        said = str(error.server_message or error).strip().splitlines()[0]
        raise kind(f"{doing}: {said} (HTTP {status}); {hint}") from None
    except OSError as error:  # no network, or nothing in the cache
        first = str(error).strip().splitlines()[0]
        raise BackendError(f"{doing}: {first}; check the network and HF_ENDPOINT") from error
