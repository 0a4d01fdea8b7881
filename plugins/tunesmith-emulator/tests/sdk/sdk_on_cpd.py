"""The calls of tuners that the SDK allows in one place: Cloud Pak for Data, or a notebook."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.utils.capture import capture_output
from sdk_world import World

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai.foundation_models import ILabTuner
    from ibm_watsonx_ai.helpers import DataConnection

Call = Callable[[World], Any]


def _cancelled(w: World) -> bool:
    tuner = w.new_fine_tuner()
    with w.slow_trainings():
        tuner.run([DataConnection(data_asset_id=w.asset)], background_mode=True)
        tuner.cancel_run()
    return tuner.get_run_status() == "canceled"


def _logs(w: World) -> bool:
    with contextlib.chdir(w.folder):
        path = w.fine_tuner.get_logs()
        log = (w.folder / path).read_text(encoding="utf-8")
    return "epoch 2: loss" in log and "completed" in log


def _drawn(tuner: Any) -> bool:
    """Whether a tuner draws its losses: a line with a point for each of its two epochs."""
    from matplotlib import pyplot as plt

    shown = mpl.get_backend()
    shell = ZMQInteractiveShell.instance()
    mpl.use("agg")
    try:
        with shell.builtin_trap, capture_output():
            tuner.plot_learning_curve()
        drawn = plt.gcf()
        points = [len(line.get_xdata()) for axis in drawn.axes for line in axis.lines]
        return points[0] == 2
    finally:
        plt.close("all")
        mpl.use(shown)
        ZMQInteractiveShell.clear_instance()


def _no_custom_models(w: World) -> bool:
    return bool(w.on_cpd.foundation_models.get_custom_model_specs()["resources"] == [])


ON_CPD: dict[str, Call] = {
    "foundation_models.get_custom_model_specs": _no_custom_models,
    "FineTuner.run": lambda w: w.fine_tuner.get_run_details()["metadata"]["id"] == w.fine_tuner.id,
    "FineTuner.get_run_status": lambda w: w.fine_tuner.get_run_status() == "completed",
    "FineTuner.get_run_details": lambda w: (
        len(w.fine_tuner.get_run_details(include_metrics=True)["entity"]["status"]["metrics"]) == 2
    ),
    "FineTuner.get_params": lambda w: w.fine_tuner.get_params()["num_epochs"] == 2,
    "FineTuner.get_model_id": lambda w: isinstance(w.fine_tuner.get_model_id(), str),
    "FineTuner.get_data_connections": lambda w: len(w.fine_tuner.get_data_connections()) == 1,
    "FineTuner.summary": lambda w: w.fine_tuner.summary()["loss"].iloc[0] > 0,
    "FineTuner.get_logs": _logs,
    "FineTuner.cancel_run": _cancelled,
    "FineTuner.plot_learning_curve": lambda w: _drawn(w.fine_tuner),
    "ILabTuner.get_params": lambda w: ILabTuner("ours", w.client).get_params() == {"name": "ours"},
    "PromptTuner.plot_learning_curve": lambda w: _drawn(w.tuner),
}
