"""Batches: rows share calls, lanes take turns, and nobody pays for a neighbor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

import pytest

from tunesmith.backends.batching import Batcher, Lane
from tunesmith.errors import ClosedError

SECONDS = 30


class Recorder:
    """Echoes rows, records its calls, and holds the first call until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, texts: Sequence[str]) -> list[str]:
        self.calls.append(list(texts))
        self.begun.set()
        assert self.go.wait(SECONDS)
        if "wrong" in texts:
            raise ValueError("a wrong row")
        return [text.upper() for text in texts]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def batcher(recorder: Recorder) -> Iterator[Batcher[str, str]]:
    made = Batcher[str, str](recorder)
    yield made
    recorder.go.set()
    made.close()


@pytest.fixture
def send(batcher: Batcher) -> Callable[..., Future[str]]:
    def send(text: str, lane: str = "a", most: int = 4) -> Future[str]:
        return batcher.submit(text, Lane((lane,), most))

    return send


def held(recorder: Recorder, send: Callable[..., Future[str]]) -> Future[str]:
    """Send a first row, whose call lasts until ``recorder.go`` is set."""
    first = send("first", "first")
    assert recorder.begun.wait(SECONDS)
    return first


def test_waiting_requests_share_a_call_up_to_the_limit(recorder, batcher, send) -> None:
    first = held(recorder, send)
    rows = [send(text) for text in "bcdefg"]
    recorder.go.set()
    assert [row.result(SECONDS) for row in rows] == list("BCDEFG")
    assert first.result(SECONDS) == "FIRST"
    assert recorder.calls == [["first"], list("bcde"), list("fg")]
    done = batcher.statistics
    assert (done.batches, done.rows, done.largest) == (3, 7, 4)


def test_rows_of_one_request_share_a_call(recorder, batcher) -> None:
    recorder.go.set()
    rows = batcher.submit_together([(text, Lane(("a",), 4)) for text in "abc"])
    assert [row.result(SECONDS) for row in rows] == list("ABC")
    assert recorder.calls == [list("abc")]


def test_lanes_take_turns(recorder, send) -> None:
    held(recorder, send)
    rows = [send(text, "crowd", 2) for text in "abcdef"] + [send("x", "lonely")]
    recorder.go.set()
    for row in rows:
        row.result(SECONDS)
    assert recorder.calls[1:] == [["a", "b"], ["x"], ["c", "d"], ["e", "f"]]


def test_a_lane_of_one_runs_row_by_row(recorder, send) -> None:
    held(recorder, send)
    rows = [send(text, most=1) for text in "abc"]
    recorder.go.set()
    for row in rows:
        row.result(SECONDS)
    assert recorder.calls[1:] == [["a"], ["b"], ["c"]]


def test_only_the_wrong_row_fails(recorder, send) -> None:
    held(recorder, send)
    good, wrong, last = send("good"), send("wrong"), send("last")
    recorder.go.set()
    assert good.result(SECONDS) == "GOOD"
    assert last.result(SECONDS) == "LAST"
    with pytest.raises(ValueError, match="a wrong row"):
        wrong.result(SECONDS)
    assert send("after").result(SECONDS) == "AFTER"


def test_a_row_whose_client_left_is_not_generated(recorder, send) -> None:
    held(recorder, send)
    gone, stays = send("gone"), send("stays")
    assert gone.cancel()
    recorder.go.set()
    assert stays.result(SECONDS) == "STAYS"
    assert recorder.calls[1:] == [["stays"]]


def test_a_call_that_loses_rows_is_an_error() -> None:
    batcher = Batcher(lambda texts: [])
    row = batcher.submit("x", Lane(("a",), 4))
    with pytest.raises(RuntimeError, match="0 answers for 1 rows"):
        row.result(SECONDS)
    batcher.close()


def test_closing_fails_waiting_requests_and_refuses_new_ones(recorder, batcher, send) -> None:
    first = held(recorder, send)
    waiting = send("late")
    closing = threading.Thread(target=batcher.close)
    closing.start()
    with pytest.raises(ClosedError, match="shutting down"):
        waiting.result(SECONDS)
    recorder.go.set()
    closing.join(SECONDS)
    assert first.result(SECONDS) == "FIRST"
    with pytest.raises(ClosedError, match="shutting down"):
        send("too late")
    assert not [thread for thread in threading.enumerate() if thread is batcher._thread]


def test_clients_that_come_back_are_waited_for() -> None:
    """Four clients in a closed loop share calls, though they come back one by one."""
    pause = threading.Event()

    def slow(texts: Sequence[str]) -> list[str]:
        pause.wait(0.1)
        return list(texts)

    batcher = Batcher(slow, gather_seconds=SECONDS)
    start = threading.Barrier(4)

    def client() -> None:
        start.wait(SECONDS)
        for _ in range(10):
            batcher.submit("x", Lane(("a",), 4)).result(SECONDS)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(SECONDS)
    batcher.close()
    assert batcher.statistics.rows == 40
    assert batcher.statistics.largest == 4
    assert batcher.statistics.batches < 20  # without the pause, every second call has one row
