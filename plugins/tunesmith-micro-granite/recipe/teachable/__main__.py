"""Command line of the second generation: `python -m recipe.teachable`."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from recipe.teachable.making import make
from recipe.teachable.settings import FULL, PILOT, Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments and make the model."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    make(_settings(options), options.words or _words(), options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recipe.teachable",
        description="Train tunesmith/micro-granite-2, which takes its task from a soft prompt.",
    )
    parser.add_argument("--out", type=Path, default=Path("micro-granite-2"), metavar="DIR")
    parser.add_argument("--words", type=Path, metavar="DIR", help="folder of SmolLM2")
    parser.add_argument("--steps", type=int, metavar="N", help="optimizer steps")
    parser.add_argument("--documents", type=int, metavar="N", help="behind one optimizer step")
    parser.add_argument("--seed", type=int, metavar="S")
    parser.add_argument("--pilot", action="store_true", help="a toy size, done in seconds")
    return parser


def _words() -> Path:
    from tunesmith_smollm2 import path

    return path()


def _settings(options: argparse.Namespace) -> Settings:
    base = PILOT if options.pilot else FULL
    given = {"steps": options.steps, "seed": options.seed}
    given["documents_per_step"] = options.documents
    return dataclasses.replace(base, **{k: v for k, v in given.items() if v is not None})


if __name__ == "__main__":
    main()
