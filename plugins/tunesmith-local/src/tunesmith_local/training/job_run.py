"""What a job offers to the method that it trains, in every process that trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunesmith.atomic import write_atomically
from tunesmith.backends.jobs import JobStopped
from tunesmith.records import ChosenSetting, TuningEvent
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.method import Start, TrainingResult
from tunesmith_local.methods.prepared import GradientRows
from tunesmith_local.methods.search_plan import Judge, SearchPlan
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.training.checkpoint import CheckpointStore
from tunesmith_local.training.ranks import ALONE, Ranks
from tunesmith_local.training.search import RateSearch
from tunesmith_local.training.training import Training

CHECKPOINTS = "checkpoints"
SEARCH = "search.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class JobRun:
    """The :class:`~tunesmith_local.methods.method.TrainingRun` of a job.

    Attributes:
        folder: of the job.
        texts: see ``TrainingRun``.
        ranks: the processes that train together.
        checkpoint_seconds: least time between two checkpoints.
        emit: gets the events.
        should_stop: asked before every batch.
        began: gets the training before its first step.
    """

    folder: Path
    texts: TextCache
    ranks: Ranks = ALONE
    checkpoint_seconds: float = 0.0
    emit: Callable[[TuningEvent], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False
    began: Callable[[Training], None] = lambda training: None

    def optimize(self, tunable: Tunable, rows: GradientRows) -> TrainingResult:
        """Train by gradient; see ``TrainingRun``."""
        folder = self.folder / CHECKPOINTS
        reached = CheckpointStore.reached(folder)
        if reached:
            self._note(f"resumed after step {reached}")
        training = Training(
            tunable=tunable,
            examples=rows.train,
            method=rows.settings,
            seed=rows.seed,
            validation=rows.validation,
            checkpoints=CheckpointStore(folder, rows.signature),
            checkpoint_seconds=self.checkpoint_seconds,
            on_event=self.emit,
            should_stop=self.should_stop,
            ranks=self.ranks,
        )
        self.began(training)
        return training.run()

    def search(
        self, plan: SearchPlan, rows: GradientRows, start: Start, judge: Judge
    ) -> ChosenSetting:
        """Search for the learning rate; see ``TrainingRun``."""
        file = self.folder / SEARCH
        if file.exists():
            return ChosenSetting.from_json(file.read_text("utf-8"))
        found = RateSearch(
            plan=plan,
            method=rows.settings,
            rows=rows.train,
            start=start,
            judge=judge,
            seed=rows.seed,
            say=self._note,
            should_stop=self.should_stop,
            ranks=self.ranks,
        ).run()
        write_atomically(file, found.to_json())
        self._note(f"learning_rate {found.value:g}: {found.reason}")
        return found

    def stop_if_asked(self) -> None:
        """Raise ``JobStopped`` if the job was asked to stop."""
        if self.should_stop():
            raise JobStopped

    def _note(self, text: str) -> None:
        self.emit(TuningEvent(kind="note", message=text))
