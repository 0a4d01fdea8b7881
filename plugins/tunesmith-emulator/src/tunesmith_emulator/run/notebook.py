"""Runs the cells of a notebook in a kernel, as Jupyter does.

Needs the packages of ``tunesmith-emulator[notebook]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from tunesmith.atomic import write_atomically
from tunesmith.errors import PluginError
from tunesmith_emulator.run.console import Console
from tunesmith_emulator.run.inside import find
from tunesmith_emulator.run.keyboard import next_line
from tunesmith_emulator.run.prompts import Answer
from tunesmith_emulator.run.signals import ASKING, handled, leave
from tunesmith_emulator.run.start import Start

FAILED = 1
END_OF_INPUT = "\x04"
"""The answer that raises EOFError in a cell."""
# IPython's own only ask a frontend to end the kernel, and the cell goes on. An assignment to them
# would call them.
_EXIT = "vars().update(dict.fromkeys(('exit', 'quit'), __import__('sys').exit))"


def run_cells(
    notebook: NotebookNode,
    output: Path,
    environment: Mapping[str, str],
    folder: Path,
    console: Console,
    start: Start,
    answers: Sequence[Answer] = (),
    *,
    python: Path = Path(sys.executable),
) -> int:
    """Run every cell until one fails, and write the notebook with its outputs to ``output``.

    The sockets of the kernel are in ``folder``; ``python`` is its interpreter.

    Returns:
        0; 1 if a cell failed; the exit code of a cell that exits or of a kernel that ends; 128 + n
        if signal n ended it.
    """
    # Only if no backend is set does the kernel choose the one for pictures in the notebook.
    settings = {name: value for name, value in environment.items() if name != "MPLBACKEND"}
    try:
        # The loop replaces the handlers, and does not restore them.
        with handled(leave):
            work = _Work(notebook, folder, console, answers, python)
            return asyncio.run(work.run(settings, start))
    finally:
        write_atomically(output, nbformat.writes(notebook))


class _Client(NotebookClient):
    """A notebook client that shows every output at once."""

    console: Console

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: Any) -> Any:
        """Keep an output and show it."""
        out = super().output(outs, msg, display_id, cell_index)
        if out is not None:
            self.console.show(out)
        return out


class _Work:
    """One run of a notebook."""

    def __init__(
        self,
        notebook: NotebookNode,
        folder: Path,
        console: Console,
        answers: Sequence[Answer],
        python: Path,
    ) -> None:
        self._python = str(python)
        self._console = console
        self._answers = answers
        self._cells = [
            (place, cell)
            for place, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()
        ]
        self._manager = _manager(folder)
        self._client = _Client(notebook, self._manager, timeout=None, coalesce_streams=True)
        self._client.extra_arguments = [f"--IPKernelApp.exec_lines={_EXIT}"]
        self._client.console = console
        self._ended_by = 0
        self._answering: asyncio.Future[None] | None = None

    async def run(self, environment: Mapping[str, str], start: Start) -> int:
        """Start the kernel, run the cells, end the kernel."""
        try:
            await self._start(environment, start)
            self._take_signals()
            self._answering = asyncio.ensure_future(self._answer_prompts())
            return await self._run_cells()
        finally:
            await self._stop()

    async def _start(self, environment: Mapping[str, str], start: Start) -> None:
        spec: Any = self._manager.kernel_spec
        spec.argv = [*start.prefix, self._python, *spec.argv[1:]]
        try:
            await self._client.async_start_new_kernel(
                env=dict(environment), pass_fds=start.pass_fds
            )
            start.finish(self._process.pid)
            await self._client.async_start_new_kernel_client()
        except (RuntimeError, OSError) as error:
            raise PluginError(
                f"the Jupyter kernel did not start: {error}; install ipykernel beside "
                f"{self._python}, or try: {self._python} -m ipykernel"
            ) from None
        self._channels.allow_stdin = True

    @property
    def _process(self) -> Any:
        return self._manager.provisioner

    @property
    def _channels(self) -> Any:
        return self._client.kc

    async def _stop(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        if self._client.kc is not None:
            self._client.kc.stop_channels()
        if await self._manager.is_alive():
            await self._manager.shutdown_kernel()
        await self._manager.cleanup_resources()

    async def _run_cells(self) -> int:
        for number, (place, cell) in enumerate(self._cells, start=1):
            self._console.begin(number, len(self._cells), cell.source)
            code = await self._run_cell(place, cell)
            if self._ended_by or code is not None:
                self._console.stopped()
                return self._ended_by or code or 0
        return 0

    async def _run_cell(self, place: int, cell: NotebookNode) -> int | None:
        """Return the exit code if the cell is the last one that runs."""
        try:
            await self._client.async_execute_cell(cell, place)
        except CellExecutionError as error:
            return _exit_code(error.evalue) if error.ename == "SystemExit" else FAILED
        except DeadKernelError:
            self._console.kernel_ended()
            code: int = await self._process.poll()
            return code if code >= 0 else 128 - code
        finally:
            self._console.end(cell.outputs)
        return None

    async def _answer_prompts(self) -> None:
        while True:
            message = await self._channels.get_stdin_msg(timeout=None)
            content = message["content"]
            self._channels.input(await self._answer(content["prompt"], content["password"]))

    async def _answer(self, prompt: str, hidden: bool) -> str:
        if answer := find(self._answers, prompt):
            self._console.answered(prompt, answer[2])
            return answer[1]
        self._console.ask(prompt)
        line = await next_line(hidden=hidden)
        if line is None:
            self._console.unanswered(prompt)
        return END_OF_INPUT if line is None else line

    def _take_signals(self) -> None:
        """Let Ctrl-C interrupt the cell, and a second one or another signal end the kernel."""
        loop = asyncio.get_running_loop()
        # Only the main thread can handle signals.
        with contextlib.suppress(RuntimeError, ValueError):
            for number in ASKING:
                loop.add_signal_handler(number, self._interrupt, number)

    def _interrupt(self, number: signal.Signals) -> None:
        gently = number == signal.SIGINT and not self._ended_by
        self._ended_by = 128 + number
        self._signal_kernel(signal.SIGINT if gently else signal.SIGKILL)

    def _signal_kernel(self, number: int) -> None:
        self._sending = asyncio.ensure_future(self._manager.signal_kernel(number))


def _exit_code(value: str) -> int:
    """Return the exit code of ``sys.exit(value)``."""
    if value in ("", "None"):
        return 0
    return int(value) & 0xFF if value.removeprefix("-").isdecimal() else FAILED


def _manager(folder: Path) -> AsyncKernelManager:
    """Return the manager of a kernel of this Python, with its sockets in ``folder``."""
    # An installed kernel of the same name must not be used instead.
    specs = KernelSpecManager(kernel_dirs=[])
    return AsyncKernelManager(
        kernel_name=NATIVE_KERNEL_NAME,
        kernel_spec_manager=specs,
        transport="ipc",
        connection_file=str(folder / "kernel.json"),
    )
