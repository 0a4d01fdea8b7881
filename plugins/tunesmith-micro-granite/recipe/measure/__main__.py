"""Command line: `python -m recipe.measure DIR`."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from recipe.measure.files import SHARED, file_problems
from recipe.measure.held_out import held_out_problems
from recipe.measure.judging import Figures, judge

__all__ = ["main"]

HEAD = "| task | zero-shot decision | few-shot | prompt tuning | TF-IDF | tuning, seconds |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one row of a table for each problem."""
    options = _parser().parse_args(arguments)
    print(HEAD, "|---|---|---|---|---|---|", sep="\n", flush=True)
    for problem in itertools.chain(held_out_problems(), file_problems(options.shared)):
        if not options.only or any(word in problem.name for word in options.only):
            for seed in options.seeds:
                figures = judge(options.folder.resolve(), problem, seed, options.epochs)
                print(_line(problem.name, figures), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recipe.measure",
        description="Measure a model folder on tasks that it was not trained on.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="tasks with a word in their name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="S")
    parser.add_argument("--epochs", type=int, metavar="N", help="of the prompt tuning")
    parser.add_argument("--shared", type=Path, default=SHARED, metavar="DIR", help="other data")
    return parser


def _line(name: str, found: Figures) -> str:
    shares = (found.zero_shot, found.few_shot, found.prompt_tuning, found.tfidf)
    return f"| {name} | " + " | ".join(f"{share:.3f}" for share in shares) + _seconds(found)


def _seconds(found: Figures) -> str:
    return f" | {found.seconds:.0f} |"


if __name__ == "__main__":
    main()
