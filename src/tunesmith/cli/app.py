"""The group of all commands: names and summaries as text. A command is imported when called."""

from __future__ import annotations

import click

from tunesmith.cli.command import HELP, global_options
from tunesmith.cli.group import LazyCommand, LazyGroup

SECTIONS = {
    "Start": {
        "init": LazyCommand("init", "Write an experiment file for your data."),
        "data": LazyCommand("data", "Fetch a known public data set."),
        "audit": LazyCommand("audit", "Find leaks, copies and mismatches in your data."),
    },
    "Experiments": {
        "run": LazyCommand("run", "Tune, deploy, predict, evaluate and report."),
        "resume": LazyCommand("run", "Continue a run that was stopped."),
        "compare": LazyCommand("compare", "Test whether one model beats another."),
        "ladder": LazyCommand("sweeps", "Try every method, cheapest first."),
        "benchmark": LazyCommand("sweeps", "Compare methods, backends, base models and seeds."),
        "runs": LazyCommand("run", "List the runs."),
        "ui": LazyCommand("ui", "Show the runs in a browser and compare two."),
    },
    "Single steps": {
        "tune": LazyCommand("steps", "Tune only; writes model.json."),
        "deploy": LazyCommand("steps", "Deploy a tuned model."),
        "predict": LazyCommand("predict", "Ask a model to label rows or lines of text."),
        "evaluate": LazyCommand("evaluate", "Score a predictions file."),
        "undeploy": LazyCommand("steps", "Remove a deployment."),
        "deployments": LazyCommand("steps", "List the deployments."),
    },
    "Listings": {
        "backends": LazyCommand("backends", "List the backends and their status."),
        "methods": LazyCommand("backends", "List the methods."),
        "models": LazyCommand("backends", "List the base models."),
        "plugins": LazyCommand("backends", "List the plugins, including broken ones."),
    },
    "Extend": {
        "new-plugin": LazyCommand("new_plugin", "Write a distribution with a plugin of your own."),
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
        context_settings={**HELP, "max_content_width": 100},
    )
)
