"""The names of the emulator's certificate fit every host of the SDK, and clients agree."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import httpx
import pytest

from tunesmith_emulator.run.hosts import ibm_hosts, matches

client = pytest.importorskip("ibm_watsonx_ai.client", reason="the SDK's table of hosts is read")
definitions = pytest.importorskip("ibm_watsonx_ai.href_definitions")


def sdk_hosts() -> set[str]:
    urls = [url for pair in client.APIClient.PLATFORM_URLS_MAP.items() for url in pair]
    return {urlsplit(url).hostname or "" for url in urls}


def other_hosts() -> set[str]:
    found = set()
    for url, platform in client.APIClient.PLATFORM_URLS_MAP.items():
        known = definitions.HrefDefinitions(url, "", None, None, True, False, platform, "", None)
        for address in (
            known.get_iam_token_url(),
            known.get_iam_public_keys_url(),
            known.get_aws_token_url(),
            known.get_aws_public_keys_url(),
            known.promote_asset_href("x"),
        ):
            found.add(urlsplit(address).hostname or "")
    return found


def test_every_host_of_the_sdk_reaches_the_emulator_with_a_valid_certificate(route):
    hosts = sdk_hosts() | other_hosts()
    trusted = ssl.create_default_context(cafile=str(route.bundle))
    with httpx.Client(proxy=route.proxy.url, verify=trusted, trust_env=False) as http:
        answers = {host: http.get(f"https://{host}/ml").text for host in hosts}
    assert answers == {host: f"{host} /ml" for host in hosts}
    assert len(hosts) > 50


@pytest.mark.parametrize(
    "host", ["ml.cloud.ibm.com", "a.b.ml.cloud.ibm.com", "iam.cloud.ibm.com.evil.test", "ibm.com"]
)
def test_a_wildcard_matches_one_label_and_no_other_host(host):
    assert not matches(host, ibm_hosts())


def test_no_name_comes_twice():
    assert len(set(ibm_hosts())) == len(ibm_hosts())
