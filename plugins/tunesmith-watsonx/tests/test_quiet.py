"""The SDK is silent, and only the SDK."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

import pytest
from ibm_watsonx_ai.wml_resource import WMLResource

from tunesmith_watsonx.quiet import quiet


def test_prints_inside_are_logged_not_shown(capsys, caplog):
    with caplog.at_level(logging.DEBUG, "tunesmith_watsonx.quiet"):
        with quiet():
            print("SUCCESS")
        print("mine")
    assert capsys.readouterr().out == "mine\n"
    assert "SUCCESS" in caplog.text


def test_other_threads_print_as_ever(capsys):
    inside, printed = threading.Event(), threading.Event()

    def other():
        inside.wait()
        print("from the other thread")
        printed.set()

    thread = threading.Thread(target=other)
    thread.start()
    with quiet():
        inside.set()
        printed.wait()
    thread.join()
    assert capsys.readouterr().out == "from the other thread\n"


def test_overlapping_threads_leave_stdout_as_it_was(capsys):
    before = sys.stdout
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first():
        with quiet():
            first_in.set()
            second_in.wait()
        first_out.set()

    def second():
        first_in.wait()
        with quiet():
            second_in.set()
            first_out.wait()

    threads = [threading.Thread(target=run) for run in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is before
    print("shown")
    assert capsys.readouterr().out == "shown\n"


def test_warnings_of_the_sdk_are_dropped_and_others_are_not():
    answer = {"system": {"warnings": [{"message": "a disclaimer"}]}}
    with pytest.warns(UserWarning, match="a disclaimer"):
        WMLResource._process_system_warnings(answer)
    with quiet():
        WMLResource._process_system_warnings(answer)
        with pytest.raises(UserWarning, match="mine"):
            warnings.warn("mine", UserWarning, stacklevel=1)


def test_filters_that_another_thread_sets_are_left_alone():
    """``catch_warnings`` here would bring the old filters back while a tuning relies on its own."""
    with quiet():
        warnings.filterwarnings("ignore", "set by another thread")
    warnings.warn("set by another thread", UserWarning, stacklevel=1)


def test_an_error_inside_leaves_stdout_as_it_was():
    before = sys.stdout
    with pytest.raises(KeyError), quiet():
        raise KeyError
    assert sys.stdout is before
