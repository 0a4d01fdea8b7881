"""The lines at the end of a run."""

from __future__ import annotations

import pytest

from tunesmith_emulator.run.downloads import parse_downloads
from tunesmith_emulator.run.traffic import SHOWN, Traffic


@pytest.fixture
def downloads(tmp_path):
    file = tmp_path / "train.json"
    file.write_text("[]")
    return parse_downloads([f"https://example.test/train.json={file}"])


def lines(traffic, downloads):
    return list(traffic.lines(downloads))


def test_nothing_is_reported_if_all_requests_went_to_the_emulator(downloads):
    assert lines(Traffic(), downloads) == []


def test_all_other_findings_have_a_remedy_and_the_most_frequent_comes_first(downloads):
    traffic = Traffic()
    traffic.answered.update(["https://example.test/train.json"] * 2)
    traffic.unknown.update(["https://example.test/trian.json"])
    traffic.refused.update(["https://a.test/x", "POST https://b.test/y", "POST https://b.test/y"])
    traffic.broken_off.update(["https://c.test"])
    assert lines(traffic, downloads) == [
        "downloads answered from local files: 2",
        "not served: https://example.test/trian.json (1 time)",
        "  the nearest that is: https://example.test/train.json",
        "refused, nothing leaves this machine: POST https://b.test/y (2 times)",
        "  what is sent there cannot be answered from a file",
        "refused, nothing leaves this machine: https://a.test/x (1 time)",
        "  to answer it from a file: --serve https://a.test/x=FILE",
        "broken off: https://c.test (1 time)",
        "  the client speaks no HTTPS there, or trusts other certificates than those that "
        "SSL_CERT_FILE and REQUESTS_CA_BUNDLE name",
    ]


def test_a_long_list_is_cut_with_a_note(downloads):
    traffic = Traffic()
    traffic.refused.update(f"https://a.test/{number}" for number in range(SHOWN + 5))
    assert lines(traffic, downloads)[-1] == "refused, nothing leaves this machine: 5 more"
