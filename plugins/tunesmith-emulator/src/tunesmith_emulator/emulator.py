"""The emulator as a context manager."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith_emulator.app import create_app
from tunesmith_emulator.catalogue.additions import Models
from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.control.credentials import ANY_KEY, fields
from tunesmith_emulator.control.faults import Fault
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.files import usable
from tunesmith_emulator.given_file import read_file
from tunesmith_emulator.lifetime import Lifetime, valid
from tunesmith_emulator.run.code_launch import led_to_emulator
from tunesmith_emulator.run.hosts import ibm_hosts
from tunesmith_emulator.scripted_answer import ScriptedAnswer, ScriptedAnswers
from tunesmith_emulator.services import Services
from tunesmith_emulator.settings import LOOPBACK, STAND_IN, Settings, is_loopback
from tunesmith_emulator.state_delays import StateDelays
from tunesmith_emulator.stored_code.process import Launch
from tunesmith_serve.server import Server

log = logging.getLogger("tunesmith_emulator")
Script = Path | str | Sequence[ScriptedAnswer | Mapping[str, Any]]
# Set by the SDK for the whole process when it is given ``verify``.
_SDK_VERIFY = "WX_CLIENT_VERIFY_REQUESTS"
_BEFORE: dict[str | None, str | None] = {}
"""The certificate of each running emulator, and the value of the variable before the first one
started. An emulator that stops restores this value, not the certificate of another emulator."""


class Emulator(Lifetime):
    """A watsonx.ai service on this machine.

    Args:
        backend: the tunesmith backend that tunes and generates.
        seed: the seed of every tuning.
        data_dir: the folder for state that survives the process; None takes a temporary one.
        host: the address to listen on; all but loopback addresses are open to the network.
        port: 0 picks a free one.
        allowed_hosts: further host names at which clients of this machine may use the control
            plane; by default those of the loopback and ``host``.
        models: the id of a model, in the catalogue or new, to the backend's name of a base model,
            e.g. ``{"ibm/granite-3-8b-instruct": "ibm-granite/granite-4.0-350m"}``, or to the
            fields of a :class:`~tunesmith_emulator.settings.ServedModel`.
        any_model: the stand-in also answers for ids that the catalogue lacks.
        stand_in: the base model that answers for every other catalogue entry.
        chat_prompts: a base model with a chat template reads the prompt of text generation as a
            message of a user.
        answers: scripted answers, as :class:`~tunesmith_emulator.scripted_answer.ScriptedAnswer`
            or as its fields, or a YAML file of them.
        replay: a recording, which answers the requests that it has.
        as_of: serve the catalogue of that day.
        api_keys: the accepted keys; if empty, every key is accepted.
        projects: the projects that exist; if empty, a project is made at its first use.
        backend_options: options of the backend.
        token_seconds: lifetime of a token.
        run_code: run the functions and AI services that clients store and deploy, each in a
            process of its own. They have the rights of this process.

    Raises:
        ExperimentError: a setting is wrong, the port or the data directory is in use.
        PluginError: the backend is not installed.
    """

    def __init__(
        self,
        backend: str = "local",
        *,
        seed: int = 0,
        data_dir: Path | str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allowed_hosts: Sequence[str] = (),
        models: Models | None = None,
        any_model: bool = False,
        stand_in: str = STAND_IN,
        chat_prompts: bool = False,
        answers: Script = (),
        replay: Path | str | None = None,
        as_of: date | None = None,
        api_keys: Sequence[str] = (),
        projects: Sequence[str] = (),
        backend_options: Mapping[str, Any] | None = None,
        token_seconds: int = 3600,
        run_code: bool = False,
    ) -> None:
        super().__init__()
        self.settings = valid(
            Settings,
            backend=backend,
            seed=seed,
            data_dir=Path(data_dir or tempfile.gettempdir()).resolve(),
            temporary=data_dir is None,
            host=host,
            port=port,
            allowed_hosts=tuple(allowed_hosts),
            models=dict(models or {}),
            any_model=any_model,
            stand_in=stand_in,
            chat_prompts=chat_prompts,
            answers=_read(answers),
            replay=None if replay is None else Path(replay),
            as_of=as_of,
            api_keys=tuple(api_keys),
            projects=tuple(projects),
            backend_options=dict(backend_options or {}),
            token_seconds=token_seconds,
            run_code=run_code,
        )

    def _serve(self) -> None:
        self._warn_if_open()
        if self.settings.temporary:
            folder = self._temporary_folder()
            self.settings = self.settings.model_copy(update={"data_dir": folder})
        self.services = Services(self.settings)
        # It ends after the services, which may start code until they are closed.
        launch = led_to_emulator(
            self.settings.data_dir / "code", lambda: (self.authority.ca_pem, self.port)
        )
        self.run_code_by(self._opened.enter_context(launch))
        self._opened.callback(self.services.close)
        hosts = [*LOOPBACK, *self.settings.allowed_hosts, *ibm_hosts()]
        with usable(self.settings.data_dir):
            self.authority = Authority(
                self.services.files.authority, hosts, keep=not self.settings.temporary
            )
        context = self.authority.server_context(hosts)
        app = create_app(self.services)
        self._server = Server(
            app,
            self.settings.host,
            self.settings.port,
            envelope=lambda text: ServiceError(400, "invalid_request", text).body(),
            context=context,
        )
        self._opened.callback(self._server.stop)
        self._remember()
        self.services.open()
        self._server.start()

    def _warn_if_open(self) -> None:
        if not is_loopback(self.settings.host):
            log.warning(
                "%s is open to the network: everybody who can reach it can tune and generate on "
                "this machine; set an API key",
                self.settings.host,
            )

    @property
    def port(self) -> int:
        """The port."""
        return self._server.port

    @property
    def url(self) -> str:
        """The address, e.g. ``https://127.0.0.1:43210``."""
        return self._server.url

    @property
    def ca_file(self) -> Path:
        """The certificate that clients must trust."""
        return self.authority.ca_file

    @property
    def project_id(self) -> str:
        """The id of an existing project."""
        return self.services.platform.project_id

    @property
    def credentials(self) -> dict[str, Any]:
        """The arguments of ``ibm_watsonx_ai.Credentials``."""
        key = self.settings.api_keys[0] if self.settings.api_keys else ANY_KEY
        return fields(self.url, self.ca_file, key)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The last 1000 requests, oldest first."""
        return self.services.control.requests()

    def fail(self, route: str, **order: Any) -> None:
        """Order a fault; see :class:`~tunesmith_emulator.control.faults.Fault`.

        Args:
            route: e.g. ``"POST /ml/v1/text/generation"``, or a pattern with ``*``.
            **order: ``status``, ``delay`` (seconds), ``drop``, ``nth``, ``times``,
                ``retry_after``, ``body``, ``headers``.
        """
        self.services.control.faults.place(Fault(route=route, **order))

    def answer(self, match: Mapping[str, Any] | None = None, **answer: Any) -> None:
        """Script an answer; it is tried before the earlier ones.

        Args:
            match: the fields of a :class:`~tunesmith_emulator.scripted_answer.Match`; by default
                every request.
            **answer: the fields of an :class:`~tunesmith_emulator.scripted_answer.Answer`, e.g.
                ``text="Paris"``.
        """
        self.script([{"match": match or {}, "answer": answer}])

    def script(self, answers: Script) -> None:
        """Script several answers, or those of a YAML file, as the argument ``answers`` does."""
        placed = valid(ScriptedAnswers, answers=_read(answers))
        self.services.control.script.place(placed.answers)

    def run_code_by(self, launch: Launch) -> None:
        """Set how the code of functions and AI services is started that are deployed from now on.

        By default in the Python of this process, with IBM's hosts led to this emulator.
        """
        self.services.stored_code.launch = launch

    def set_pace(self, **seconds: float) -> None:
        """Set how long states last at least; the arguments are the fields of ``StateDelays``."""
        self.services.set_delays(StateDelays(**seconds))

    def set_date(self, as_of: date | None) -> None:
        """Serve the catalogue of another day."""
        self.services.catalogue.as_of = as_of

    def load(self) -> None:
        """Load the backend and what the catalogue says of its models; this takes seconds.

        Else the first request for the catalogue waits for it. A client may not: a function of
        IBM's SDK gives up after five seconds. An error is left to the request that meets it.
        """
        with suppress(TunesmithError):
            self.services.catalogue.specs()

    def reset(self) -> None:
        """Delete all assets, trainings, deployments, requests, faults and state delays.

        The catalogue and the scripted answers are those of the start again.
        """
        self.services.reset()

    def _remember(self) -> None:
        now = os.environ.get(_SDK_VERIFY)
        _BEFORE[str(self.ca_file)] = _BEFORE.get(now, now)
        self._opened.callback(self._restore)

    def _restore(self) -> None:
        # Later clients of this process must not trust the certificate of a stopped emulator.
        before = _BEFORE.pop(str(self.ca_file))
        if os.environ.get(_SDK_VERIFY) != str(self.ca_file):
            return
        if before is None:
            del os.environ[_SDK_VERIFY]
        else:
            os.environ[_SDK_VERIFY] = before


def _read(answers: Script) -> tuple[ScriptedAnswer | Mapping[str, Any], ...]:
    if isinstance(answers, Path | str):
        return read_file(Path(answers), ScriptedAnswers).answers
    return tuple(answers)
