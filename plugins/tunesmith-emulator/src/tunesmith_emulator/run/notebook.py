"""Runs the cells of a notebook in a kernel of this Python, as Jupyter does.

Needs the packages of ``tunesmith-emulator[notebook]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Mapping
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

FAILED = 1
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
LONGEST = 60
"""The longest folder for temporary files, in characters, in which a socket's path fits."""


def run_cells(
    notebook: NotebookNode, output: Path, environment: Mapping[str, str], console: Console
) -> int:
    """Run every cell until one fails, and write the notebook with its outputs to ``output``.

    Returns:
        0; 1 if a cell failed or the kernel died; 128 + n if signal n ended it.
    """
    # Only if no backend is set does the kernel choose the one for pictures in the notebook.
    settings = {name: value for name, value in environment.items() if name != "MPLBACKEND"}
    try:
        with tempfile.TemporaryDirectory(prefix="tunesmith-kernel-", dir=_short()) as folder:
            return asyncio.run(_Work(notebook, Path(folder), console).run(settings))
    finally:
        write_atomically(output, nbformat.writes(notebook))


def _short() -> str | None:
    # The path of a socket has at most 107 bytes, on macOS 103.
    return "/tmp" if len(tempfile.gettempdir()) > LONGEST else None  # noqa: S108


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

    def __init__(self, notebook: NotebookNode, folder: Path, console: Console) -> None:
        self._console = console
        self._cells = [
            (place, cell)
            for place, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()
        ]
        self._manager = _manager(folder)
        self._client = _Client(notebook, self._manager, timeout=None, coalesce_streams=True)
        self._client.console = console
        self._ended_by = 0

    async def run(self, environment: Mapping[str, str]) -> int:
        """Start the kernel, run the cells, end the kernel."""
        try:
            await self._start(environment)
            self._take_signals()
            return await self._run_cells()
        finally:
            await self._stop()

    async def _start(self, environment: Mapping[str, str]) -> None:
        try:
            await self._client.async_start_new_kernel(env=dict(environment))
            await self._client.async_start_new_kernel_client()
        except RuntimeError as error:
            raise PluginError(
                f"the Jupyter kernel did not start: {error}; try: {sys.executable} -m ipykernel"
            ) from None

    async def _stop(self) -> None:
        if self._client.kc is not None:
            self._client.kc.stop_channels()
        if await self._manager.is_alive():
            await self._manager.shutdown_kernel()
        await self._manager.cleanup_resources()

    async def _run_cells(self) -> int:
        for number, (place, cell) in enumerate(self._cells, start=1):
            self._console.begin(number, len(self._cells), cell.source)
            try:
                await self._client.async_execute_cell(cell, place)
            except CellExecutionError:
                return self._ended_by or FAILED
            except DeadKernelError:
                self._console.kernel_ended()
                return self._ended_by or FAILED
            finally:
                self._console.end(cell.outputs)
            if self._ended_by:
                break
        return self._ended_by

    def _take_signals(self) -> None:
        """Let Ctrl-C interrupt the cell, and a second Ctrl-C or SIGTERM end the kernel."""
        loop = asyncio.get_running_loop()
        # Only the main thread can handle signals.
        with contextlib.suppress(RuntimeError, ValueError):
            loop.add_signal_handler(signal.SIGINT, self._interrupt)
            loop.add_signal_handler(signal.SIGTERM, self._end, TERMINATED)

    def _interrupt(self) -> None:
        if self._ended_by:
            self._end(INTERRUPTED)
            return
        self._ended_by = INTERRUPTED
        self._signal_kernel(signal.SIGINT)

    def _end(self, code: int) -> None:
        self._ended_by = code
        self._signal_kernel(signal.SIGKILL)

    def _signal_kernel(self, number: int) -> None:
        self._sending = asyncio.ensure_future(self._manager.signal_kernel(number))


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
