"""The adaptive limit: fewer requests after a refusal, slowly more again, and never for ever."""

from __future__ import annotations

import threading

import pytest

from tunesmith.backends import concurrency
from tunesmith.backends.concurrency import (
    MOST,
    START,
    AdaptiveLimit,
    RequestLimiter,
    Throttled,
    in_order,
    retry_after_seconds,
)
from tunesmith.errors import QuotaError


def test_answers_raise_the_limit_by_about_one_a_round_up_to_the_most():
    adaptive = AdaptiveLimit()
    for _ in range(START):
        adaptive.succeeded()
    assert START + 0.8 < adaptive.limit < START + 1.1
    for _ in range(200):
        adaptive.succeeded()
    assert adaptive.limit == MOST


def test_a_refusal_halves_the_limit_and_never_stops_it():
    adaptive = AdaptiveLimit()
    limits = []
    for moment in range(6):
        adaptive.refused(started=moment, now=moment + 0.5)
        limits.append(adaptive.limit)
    assert limits == [2.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_requests_refused_together_count_once():
    adaptive = AdaptiveLimit()
    for _ in range(8):
        adaptive.refused(started=10.0, now=11.0)
    assert adaptive.limit == START / 2
    assert adaptive.opens_at == 11.0 + concurrency.FIRST_PAUSE


def test_the_pause_doubles_up_to_its_longest_and_an_answer_resets_it():
    adaptive, pauses, now = AdaptiveLimit(), [], 0.0
    for _ in range(9):
        adaptive.refused(started=now, now=now + 1)
        pauses.append(adaptive.opens_at - now - 1)
        now = adaptive.opens_at + 1
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    adaptive.succeeded()
    adaptive.refused(started=now, now=now + 1)
    assert adaptive.opens_at - now - 1 == 0.5


def test_retry_after_is_honored():
    adaptive = AdaptiveLimit()
    adaptive.refused(started=1.0, now=2.0, retry_after=7.0)
    assert adaptive.opens_at == 9.0


def test_a_refused_request_is_sent_again_until_it_is_answered():
    refusals = iter([Throttled(0.0)] * 5)

    def request():
        for refusal in refusals:
            raise refusal
        return "answer"

    limiter = RequestLimiter()
    assert limiter.send(request, patience=60) == "answer"
    assert limiter.adaptive.limit < START


def test_patience_ends():
    def request():
        raise Throttled(5.0)

    with pytest.raises(Throttled):
        RequestLimiter().send(request, patience=1.0)


def asked(request, patience=60.0, final=lambda error: False):
    return RequestLimiter().ask(request, patience, lambda error: 0.0, final=final)


def test_a_refusal_of_a_backend_is_waited_for():
    refusals = iter([QuotaError("slow down")] * 3)

    def request():
        for refusal in refusals:
            raise refusal
        return "answer"

    assert asked(request) == "answer"


def test_a_final_refusal_is_raised_at_once():
    calls = []

    def request():
        calls.append(1)
        raise QuotaError("no credit")

    with pytest.raises(QuotaError, match=r"^no credit$"):
        asked(request, final=lambda error: "credit" in str(error))
    assert len(calls) == 1


def test_the_last_refusal_names_the_option():
    def request():
        raise QuotaError("slow down")

    with pytest.raises(QuotaError, match=r"did not end within 0 s.*patience_seconds"):
        asked(request, patience=0.0)


def test_other_errors_are_not_repeated():
    calls = []

    def request():
        calls.append(1)
        raise KeyError

    with pytest.raises(KeyError):
        RequestLimiter().send(request, patience=60)
    assert len(calls) == 1


def test_no_more_go_through_than_the_limit():
    limiter, lock, together, most = RequestLimiter(), threading.Lock(), [0], [0]
    meet = threading.Barrier(2)

    def request():
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        meet.wait(timeout=30)  # at least two are under way at a time
        with lock:
            together[0] -= 1

    limiter.adaptive.limit = 2.0
    limiter.adaptive.succeeded = lambda: None  # the limit stays, so that it can be counted against
    in_order(lambda _: limiter.send(request, 60), range(20))
    assert most[0] == 2


def test_results_come_in_the_order_of_the_items():
    first_waits = threading.Event()

    def work(item):
        if item == 0:
            first_waits.wait(timeout=30)
        if item == 1:
            first_waits.set()
        return item * 10

    assert in_order(work, range(8)) == [i * 10 for i in range(8)]


def test_the_first_error_keeps_the_rest_from_starting():
    started, lock = [], threading.Lock()

    def work(item):
        with lock:
            started.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        in_order(work, range(10_000))
    assert len(started) < 10_000


def test_after_an_error_no_request_waits_for_the_limit():
    limiter, stop = RequestLimiter(), threading.Event()

    def work(item):
        def request():
            if item == 0:
                raise KeyError
            raise Throttled(3600.0)

        return limiter.send(request, patience=10_000, stop=stop)

    with pytest.raises(KeyError):
        in_order(work, range(2), stop)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-1", 0.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_the_seconds_of_a_retry_after_header(header, seconds):
    assert retry_after_seconds(header) == seconds
