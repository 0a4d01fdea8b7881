"""Builds, checks and names a release.

    python -m tests.release build                   sdists and wheels into dist, twice, compared
    python -m tests.release install [NAME …]        each alone in a fresh environment, and together
    python -m tests.release downstream              plugins of others with the built wheels
    python -m tests.release version 0.3.0           versions, changelog section, commit and tag
    python -m tests.release address https://…       the project's address in every file

docs/releasing.md has the order.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.release.address import set_address
from tests.release.build import BuildError, build
from tests.release.distributions import ROOT
from tests.release.downstream import downstream
from tests.release.install import InstallError, install
from tests.release.versions import ReleaseError, release


def main() -> int:
    arguments = _parsed()
    try:
        _do(arguments)
    except (BuildError, InstallError, ReleaseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _do(arguments: argparse.Namespace) -> None:
    if arguments.command == "build":
        for path in build(arguments.dist):
            print(f"{path.stat().st_size:>12,} bytes  {path.name}")
    elif arguments.command == "install":
        install(arguments.dist, arguments.names)
    elif arguments.command == "downstream":
        downstream(arguments.dist)
    elif arguments.command == "version":
        tag = release(arguments.version)
        print(f"Tagged {tag}. Read 'git show {tag}', then push the branch and the tag.")
    else:
        for path in set_address(arguments.url):
            print(path.relative_to(ROOT))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", metavar="FOLDER")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build")
    installing = commands.add_parser("install")
    installing.add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("downstream")
    commands.add_parser("version").add_argument("version")
    commands.add_parser("address").add_argument("url")
    arguments = parser.parse_args()
    arguments.dist = arguments.dist.resolve()
    return arguments


if __name__ == "__main__":
    sys.exit(main())
