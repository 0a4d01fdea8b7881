"""Builds every distribution from the commit, twice, and checks what came out."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.release.distributions import ROOT, Distribution, distributions


class BuildError(Exception):
    """Something that must not be published."""


def build(out: Path) -> list[Path]:
    """Build sdists and wheels into ``out``, with ``SHA256SUMS``; return them.

    The first build makes wheels from the commit's tree, the second from the sdists. Both have the
    same bytes, so an sdist lacks nothing and nothing depends on the folder or the hour.

    Raises:
        BuildError: the two builds differ, or a file would not be accepted by an index.
    """
    if _run("git", "status", "--porcelain", cwd=ROOT):
        print("The checkout has changes. They are not in what is built: the commit is.")
    with tempfile.TemporaryDirectory(prefix="tunesmith-dist-") as name:
        folder = Path(name)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(_build_all, folder / "first", ("--sdist", "--wheel"))
            second = pool.submit(_build_all, folder / "second", ())
        sums = {path.name: _sha256(path) for path in first.result()}
        again = {path.name: _sha256(path) for path in second.result()}
        different = sorted({name for name, _ in sums.items() ^ again.items()})
        if different:
            raise BuildError(f"a second build differs: {', '.join(different)}")
        built = [path for path in first.result() if path.suffix in {".whl", ".gz"}]
        _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built))
        wheels = {path.name.split("-")[0]: path for path in built if path.suffix == ".whl"}
        for one in distributions(folder / "first" / "tree").values():
            _check_wheel(one, wheels[one.file_name])
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        kept = [Path(shutil.copy2(path, out)) for path in built]
    lines = [f"{digest}  {name}\n" for name, digest in sorted(sums.items())]
    (out / "SHA256SUMS").write_text("".join(lines))
    return kept


def _build_all(folder: Path, what: tuple[str, ...]) -> list[Path]:
    tree, out = folder / "tree", folder / "out"
    _run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(tree))
    seconds = _run("git", "log", "-1", "--format=%ct", cwd=tree)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": seconds}
    for one in distributions(tree).values():
        # Without isolation: the build backend is the one that constraints.txt pins.
        _run(
            sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", str(out),
            str(one.folder), environment=environment, cwd=tree,
        )  # fmt: skip
    return sorted(out.iterdir())


def _check_wheel(one: Distribution, wheel: Path) -> None:
    """Check that a wheel holds its package, its licences, and nothing else."""
    information = f"{one.file_name}-{one.version}.dist-info/"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    strange = [n for n in names if not n.startswith((f"{one.file_name}/", information))]
    if strange:
        raise BuildError(f"{wheel.name}: {strange[0]} is neither code nor metadata")
    texts = {path.name for path in (one.folder / "LICENSE", one.folder / "NOTICE") if path.exists()}
    missing = {f"{information}licenses/{text}" for text in texts} - names
    if missing:
        raise BuildError(f"{wheel.name} lacks {', '.join(sorted(missing))}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()
