"""The services: one emulator's services, and the order in which they open and close."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

from tunesmith.atomic import file_lock
from tunesmith.backends.connect import backend_class
from tunesmith.errors import ExperimentError
from tunesmith.plugins import registry
from tunesmith_emulator.assets.promotion import Promotion
from tunesmith_emulator.assets.service import Assets
from tunesmith_emulator.batches.answering import answers
from tunesmith_emulator.batches.files import BatchFiles
from tunesmith_emulator.batches.service import Batches
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.control.service import Control
from tunesmith_emulator.database import Database
from tunesmith_emulator.deployments.service import Deployments
from tunesmith_emulator.embeddings.service import Embeddings
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.files import Files, usable
from tunesmith_emulator.iam.service import Iam
from tunesmith_emulator.inference.scripted import Scripted
from tunesmith_emulator.inference.service import Inference
from tunesmith_emulator.jobs.service import Jobs
from tunesmith_emulator.platform.service import Platform
from tunesmith_emulator.prompts.service import Prompts
from tunesmith_emulator.recording.matching import Replay
from tunesmith_emulator.repository.service import Artifacts
from tunesmith_emulator.settings import Settings
from tunesmith_emulator.specifications.service import Specifications
from tunesmith_emulator.state_delays import StateDelays
from tunesmith_emulator.stored_code.service import StoredCode
from tunesmith_emulator.trainings.service import Trainings
from tunesmith_emulator.utility_tools.service import UtilityTools


class Services:
    """The services behind the routes. They lock their data directory until they are closed.

    Raises:
        PluginError: the backend is not installed.
        ExperimentError: the data directory is in use or unusable, or a setting is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.backend not in registry().backends():
            backend_class(settings.backend)  # raises an error with the remedy
        self.settings = settings
        self.replay = None if settings.replay is None else Replay(settings.replay)
        # A failure below closes everything and unlocks the folder.
        with usable(settings.data_dir), ExitStack() as opened:
            _hold(settings.data_dir, opened)
            self.files = Files(settings.data_dir)
            self.database = Database(self.files.database)
            opened.callback(self.database.close)
            self.engine = Engine(settings, self.files.store)
            opened.callback(self.engine.close)
            self._build(settings)
            self._opened = opened.pop_all()

    def _build(self, settings: Settings) -> None:
        self.catalogue = Catalogue(settings, self.engine)
        self.iam = Iam(settings, self.files.authority)
        self.platform = Platform(settings, self.database)
        self.assets = Assets(self.database, self.files)
        self.promotion = Promotion(self.database, self.files)
        self.specifications = Specifications(self.database, self.assets)
        self.trainings = Trainings(
            self.database, self.assets, self.catalogue, self.engine, settings
        )
        self.prompts = Prompts(self.database)
        self.artifacts = Artifacts(self.database)
        self.stored_code = StoredCode(settings, self.artifacts, self.iam)
        self.deployments = Deployments(
            self.database, self.engine, self.catalogue, self.prompts, self.stored_code
        )
        self.jobs = Jobs(self.database, self.deployments, self.stored_code)
        self.inference = Inference(
            self.engine, self.catalogue, self.deployments, chat_prompts=settings.chat_prompts
        )
        self.embeddings = Embeddings(self.engine, self.catalogue, settings.stand_in)
        self.utility_tools = UtilityTools(self.catalogue)
        self.control = Control(settings.answers)
        self.scripted = Scripted(self.control.script, self.catalogue, self.deployments)
        self.batch_files = BatchFiles(self.database, self.files)
        answering = answers(self.inference, self.scripted)
        self.batches = Batches(self.database, self.batch_files, answering)

    def open(self) -> None:
        """Start the background work, and continue the unfinished work of an earlier process."""
        with usable(self.settings.data_dir):
            self.trainings.worker.start()
            self.deployments.start()
            self.batches.runner.start()
            self.jobs.start()

    def close(self) -> None:
        """Stop the background work at its last checkpoint and close everything."""
        self.trainings.worker.stop()
        self.batches.runner.stop()
        self.jobs.stop()
        self.deployments.stop()
        self._opened.close()

    def set_delays(self, delays: StateDelays) -> None:
        """Set the least duration of states."""
        self.trainings.tuning.delays = self.deployments.delays = delays

    def reset(self) -> None:
        """Delete all assets, trainings, deployments, requests, faults and state delays.

        The catalogue and the scripted answers are those of the start again.
        """
        self.set_delays(StateDelays())
        self.catalogue.reset()
        self.trainings.cancel_all()
        self.trainings.tuning.losses.clear()
        self.deployments.delete_all()
        self.database.clear()
        self.files.clear()
        for folder in self.files.store.iterdir():
            shutil.rmtree(folder, ignore_errors=True)
        self.platform.provision()
        self.control.reset()


def _hold(folder: Path, opened: ExitStack) -> None:
    busy = ExperimentError(
        f"{folder}: another emulator uses this folder; stop it or give another --data-dir"
    )
    folder.mkdir(parents=True, exist_ok=True)
    opened.enter_context(file_lock(folder / "lock", busy))
