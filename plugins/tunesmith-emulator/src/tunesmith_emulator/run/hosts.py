"""The host names that the emulator answers: those in the SDK's ``client.py``."""

from __future__ import annotations

from collections.abc import Iterator

_REGIONS = ("au-syd", "ca-tor", "eu-de", "eu-gb", "jp-tok", "us-south")
_STAGES = ("wxai-qa", "yp-cr", "yp-qa")
_TEST_STAGES = ("us-south", "wml-fvt", "wml-mcsp-dev")
_AWS_REGIONS = ("ap-south-1", "dev", "test", "us-east-1")
_PLATFORMS = ("dai", "dataplatform")
_GOVERNMENT = ("ibmforusgov.com", "prep.ibmforusgov.com")


def ibm_hosts() -> tuple[str, ...]:
    """Return the names for the emulator's certificate, including wildcards.

    The proxy sends only requests to these names to the emulator, so the certificate always
    matches.
    """
    names = (*_sign_in(), *_cloud(), *_test(), *_aws(), *_government())
    # The SDK promotes assets at the platform's name without "api.".
    sites = (name.replace("api.", "") for name in names if "api." in name)
    return tuple(dict.fromkeys((*names, *sites)))


def matches(host: str, names: tuple[str, ...]) -> bool:
    """Return whether a certificate for ``names`` matches ``host``: ``*`` matches one label."""
    _, _, parent = host.partition(".")
    return host in names or f"*.{parent}" in names


def _sign_in() -> Iterator[str]:
    yield from ("iam.cloud.ibm.com", "private.iam.cloud.ibm.com", "iam.test.cloud.ibm.com")
    yield from ("account-iam.platform.saas.ibm.com", "account-iam.platform.test.saas.ibm.com")


def _cloud() -> Iterator[str]:
    yield "*.ml.cloud.ibm.com"
    for region in (*_REGIONS, *_STAGES):
        yield f"private.{region}.ml.cloud.ibm.com"
    for platform in _PLATFORMS:
        # The platform names of Dallas contain no region.
        for place in ("", *(f"{region}." for region in _REGIONS)):
            yield from _both(f"api.{place}{platform}.cloud.ibm.com")


def _test() -> Iterator[str]:
    yield "*.ml.test.cloud.ibm.com"
    for stage in _TEST_STAGES:
        yield f"private.{stage}.ml.test.cloud.ibm.com"
    for platform in _PLATFORMS:
        yield from _both(f"api.{platform}.test.cloud.ibm.com")
        yield from _both(f"api.{platform}.dev.cloud.ibm.com")


def _aws() -> Iterator[str]:
    for region in _AWS_REGIONS:
        yield from _both(f"{region}.aws.wxai.ibm.com")
        yield f"api.{region}.aws.data.ibm.com"


def _government() -> Iterator[str]:
    for domain in _GOVERNMENT:
        yield from (f"wxai.{domain}", f"private.wxai.{domain}", f"private.internal.wxai.{domain}")
        yield from (f"dai.{domain}", f"api.dai.{domain}", f"internal.api.dai.{domain}")
        yield f"account-iam.awsg.usge1.private.platform.{domain}"


def _both(host: str) -> Iterator[str]:
    yield host
    yield f"private.{host}"
