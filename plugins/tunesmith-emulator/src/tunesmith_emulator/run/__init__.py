"""``tunesmith emulator run``: code that may not be changed meets the emulator.

A child process, or the cells of a notebook, with their real host names: a proxy and a file of
certificates lead them to the emulator.
"""

from __future__ import annotations

from tunesmith_emulator.run.work import Work, prepare

__all__ = ["Work", "prepare"]
