"""Runs batches one after another in the background.

A batch that the end of the process interrupts begins again at the next start: its answers are
written when all are there.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy.exc import DatabaseError

from tunesmith_emulator.batches import lines
from tunesmith_emulator.batches.answering import Answer
from tunesmith_emulator.batches.files import OUTPUT, BatchFiles
from tunesmith_emulator.batches.states import States
from tunesmith_emulator.database import RETRY_SECONDS, BatchFileRow, BatchRow, Database
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.translation import failure_of, translated

log = logging.getLogger("tunesmith_emulator")


class Runner:
    """Runs the batches of one emulator."""

    def __init__(self, database: Database, files: BatchFiles, answer: Answer) -> None:
        self.states = States(database)
        self._database = database
        self._files = files
        self._answer = answer
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")

    def start(self) -> None:
        """Begin the unfinished batches of an earlier process again."""
        for ident in self.states.unended():
            self.wake(ident)

    def stop(self) -> None:
        """End after the request that is being answered."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)

    def wake(self, batch_id: str) -> None:
        """Run a batch when the earlier ones have ended."""
        self._pool.submit(self._run, batch_id)

    def _run(self, batch_id: str) -> None:
        while not self._closing.is_set():
            try:
                self._work(batch_id)
            except (DatabaseError, OSError) as error:  # the batch is still there
                log.error("batch %s waits: %s", batch_id, failure_of(error, "it"))
                self._closing.wait(RETRY_SECONDS)
                continue
            return

    def _work(self, batch_id: str) -> None:
        with self._database.session() as session:
            row = session.get(BatchRow, batch_id)
        if row is None:
            return
        try:
            content = self._files.content(row.scope, row.input_file_id)
        except ServiceError as error:  # deleted meanwhile
            self.states.fail(row.id, [lines.Problem(1, error.message).entry()])
            return
        requests, problems = lines.read(content, row.endpoint)
        if problems:
            self.states.fail(row.id, [problem.entry() for problem in problems])
        else:
            self._answer_all(row, requests)

    def _answer_all(self, row: BatchRow, requests: list[lines.Request]) -> None:
        output, failed = list[str](), list[str]()
        wanted = self.states.begin(row.id, len(requests))
        for request in requests:
            if self._closing.is_set():
                return
            if not wanted:
                break
            status, body = self._answer_one(row, request)
            (output if status == 200 else failed).append(lines.answered(request, status, body))
            wanted = self.states.count(row.id, len(output), len(failed))
        files = self._written(row, "output", output), self._written(row, "error", failed)
        if not self.states.end(row.id, *files):  # it was deleted meanwhile
            for file in filter(None, files):
                self._files.discard(file)

    def _answer_one(self, row: BatchRow, request: lines.Request) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self._answer(request.body | row.scope.entry())
        except Exception as error:  # noqa: BLE001  # one request may not end the others
            refusal = translated(error)
            return refusal.status, refusal.body()

    def _written(self, row: BatchRow, what: str, answers: list[str]) -> BatchFileRow | None:
        if not answers:
            return None
        content = "\n".join([*answers, ""]).encode()
        return self._files.add(row.scope, f"{row.id}_{what}.jsonl", OUTPUT, content)
