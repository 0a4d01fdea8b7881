"""Lets ``python -m tunesmith`` be the command line."""

from __future__ import annotations

from tunesmith.cli import main

if __name__ == "__main__":
    main()
