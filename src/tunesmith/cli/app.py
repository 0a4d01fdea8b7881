"""The group of all commands: names and summaries as text. A command is imported when called."""

from __future__ import annotations

import click

from tunesmith.cli.command import global_options
from tunesmith.cli.group import LazyCommand, LazyGroup

SECTIONS: dict[str, dict[str, LazyCommand]] = {
    "Start": {
        "init": LazyCommand("init:init", "Write an experiment file for your data."),
        "data": LazyCommand("data:data", "Fetch a known public data set."),
        "audit": LazyCommand("audit:audit", "Find leaks, copies and mismatches in your data."),
    },
    "Experiments": {
        "run": LazyCommand("run:run", "Tune, deploy, predict, evaluate and report."),
        "resume": LazyCommand("run:resume", "Continue a run that was stopped."),
        "compare": LazyCommand("compare:compare", "Test whether one model beats another."),
        "ladder": LazyCommand("sweeps:ladder", "Try every method, cheapest first."),
        "benchmark": LazyCommand(
            "sweeps:benchmark", "Compare methods, backends, base models and seeds."
        ),
        "runs": LazyCommand("run:runs", "List the runs."),
    },
    "Single steps": {
        "tune": LazyCommand("steps:tune", "Tune only; writes model.json."),
        "deploy": LazyCommand("steps:deploy", "Deploy a tuned model."),
        "predict": LazyCommand("predict:predict", "Ask a model to label rows or lines of text."),
        "evaluate": LazyCommand("evaluate:evaluate", "Score a predictions file."),
        "undeploy": LazyCommand("steps:undeploy", "Remove a deployment."),
        "deployments": LazyCommand("steps:deployments", "List the deployments."),
    },
    "Listings": {
        "backends": LazyCommand("backends:backends", "List the backends and their status."),
        "methods": LazyCommand("backends:methods", "List the methods."),
        "models": LazyCommand("backends:models", "List the base models."),
        "plugins": LazyCommand("backends:plugins", "List the plugins, including broken ones."),
    },
}

show_version = click.version_option(package_name="tunesmith", message="%(package)s %(version)s")
cli = show_version(
    LazyGroup(
        name="tunesmith",
        sections=SECTIONS,
        params=global_options(),
        help="One soft-prompt classification experiment, written once, run on any backend.",
        epilog="Start with: tunesmith init train.json --test test.json",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
)
