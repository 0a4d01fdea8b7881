"""The group: help of every command, near misses, plugins, options before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from tunesmith.cli.app import SECTIONS, cli
from tunesmith.cli.screen import Settings

Invoke = Callable[..., Result]
NAMES = sorted(name for part in SECTIONS.values() for name in part)


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_a_description_and_an_example(name: str, invoke: Invoke) -> None:
    shown = invoke(name, "--help")
    assert shown.exit_code == 0
    example = shown.stdout.split("Example:\n", 1)[1].splitlines()
    assert f"tunesmith {name}" in "\n".join(example)
    assert shown.stdout.splitlines()[2].strip(), "no description"
    assert command(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_help(name: str) -> None:
    options = [p for p in command(name).params if isinstance(p, click.Option)]
    assert not [o.name for o in options if not o.help]
    assert "as_json" in {o.name for o in options}


@pytest.mark.parametrize("name", NAMES)
def test_examples_can_be_parsed(name: str) -> None:
    for line in command(name).example.splitlines():  # type: ignore[attr-defined]
        words = line.split("|")[-1].split()
        assert words[:2] == ["tunesmith", name]
        command(name).make_context(name, words[2:], obj=Settings())


def test_help_lists_every_command_with_its_summary(invoke: Invoke) -> None:
    shown = invoke("--help").stdout
    for part in SECTIONS.values():
        for name, entry in part.items():
            assert f"  {name} " in shown
            assert entry.summary in shown


@pytest.mark.parametrize(
    ("typed", "meant"), [("rnu", "'run'"), ("compar", "'compare'"), ("gret", "'greet'")]
)
def test_unknown_command_names_near_misses(typed: str, meant: str, invoke: Invoke) -> None:
    done = invoke(typed)
    assert done.exit_code == 2
    assert f"error: no command '{typed}'" in done.stderr
    assert meant in done.stderr
    assert done.stdout == ""


def test_plugin_commands_are_listed_and_run(invoke: Invoke) -> None:
    assert "Greet from a plugin." in invoke("--help").stdout
    done = invoke("greet", "you")
    assert (done.stdout, done.exit_code) == ("hello you\n", 0)


@pytest.mark.parametrize(
    ("name", "why"), [("lost", "cannot import"), ("odd", "not a click.Command")]
)
def test_plugin_command_that_is_not_there(name: str, why: str, invoke: Invoke) -> None:
    done = invoke(name)
    assert done.exit_code == 3
    assert why in done.stderr


def test_broken_plugin_breaks_nothing(
    invoke: Invoke, add_plugin: Callable[[str, str, str], None]
) -> None:
    add_plugin("broken", "broken_plugin", "raise RuntimeError('half installed')")
    shown = invoke("--help")
    assert shown.exit_code == 0
    assert "Broken plugins: broken; see 'tunesmith plugins'" in shown.stdout
    assert "Greet from a plugin." in shown.stdout
    listed = invoke("plugins")
    assert "broken: RuntimeError: half installed" in listed.stdout
    assert listed.exit_code == 0


def test_plugin_with_a_failing_hook_does_not_break_help(
    invoke: Invoke, add_plugin: Callable[[str, str, str], None]
) -> None:
    add_plugin(
        "broken",
        "broken_plugin",
        "from tunesmith.hookspecs import hookimpl\n"
        "@hookimpl\n"
        "def register_commands():\n"
        "    raise RuntimeError('not today')\n",
    )
    shown = invoke("--help")
    assert shown.exit_code == 0
    assert "not today" in shown.stdout + invoke("plugins").stdout


@pytest.mark.parametrize("before", [True, False])
def test_debug_before_and_after_the_command(before: bool, invoke: Invoke) -> None:
    words = ["deploy", "none.json"]
    where = 0 if before else 1
    done = invoke(*words[:where], "--debug", *words[where:])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr
    assert "Traceback" not in invoke(*words).stderr


def test_quiet_writes_nothing_to_stderr(invoke: Invoke) -> None:
    for words in (["-q", "run"], ["run", "-q"]):
        done = invoke(*words, "experiment.yaml", "--backend", "fake")
        assert (done.exit_code, done.stderr) == (0, "")


def test_verbose_shows_every_step(invoke: Invoke) -> None:
    usual = invoke("run", "experiment.yaml", "--backend", "fake").stderr
    more = invoke("-v", "run", "experiment.yaml", "--backend", "fake").stderr
    assert "step 1" not in usual
    assert "step 1" in more
    assert "step 4" in more


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").stdout.startswith("tunesmith 0.")


def test_runs_as_a_module(work: Path, tunesmith: Callable[..., Result]) -> None:
    assert "Usage: tunesmith " in tunesmith("--help").stdout
