"""Command line of the recipe: `python -m recipe`."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from recipe.making import make
from recipe.settings import FULL, PILOT, Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments and make the model."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    make(_settings(options), options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recipe",
        description="Train the tokenizer and the weights of tunesmith/micro-granite from scratch.",
    )
    parser.add_argument("--out", type=Path, default=Path("micro-granite"), metavar="DIR")
    parser.add_argument("--steps", type=int, metavar="N", help="optimizer steps")
    parser.add_argument("--seed", type=int, metavar="S")
    parser.add_argument("--pilot", action="store_true", help="a toy size, done in seconds")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    base = PILOT if options.pilot else FULL
    given = {name: getattr(options, name) for name in ("steps", "seed")}
    return dataclasses.replace(base, **{k: v for k, v in given.items() if v is not None})


if __name__ == "__main__":
    main()
