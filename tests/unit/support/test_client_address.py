"""Who counts as the caller behind proxies."""

from __future__ import annotations

import pytest

from vipgate.errors import UsageError
from vipgate.support.client_address import parse_trusted_proxies

OURS = "10.0.0.7, 10.1.0.0/16, 2001:db8::/48"


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.7", None, "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("10.0.0.7", "10.0.0.7, 10.1.2.3", "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1, nonsense", "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1, nonsense, 10.1.2.3", "10.1.2.3"),
        ("10.0.0.7", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.7", "[2001:db8:1::5]:4711", "2001:db8:1::5"),
        ("10.0.0.7", "2001:db8:1::5", "2001:db8:1::5"),
        ("10.0.0.7", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", "1.1.1.1," * 4000 + "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_caller_is_the_last_address_that_is_no_proxy_of_ours(peer: str, forwarded: str | None, caller: str) -> None:
    assert parse_trusted_proxies(OURS).client_address(peer, forwarded) == caller


def test_nobody_s_word_counts_by_default() -> None:
    assert parse_trusted_proxies("").client_address("10.0.0.7", "198.51.100.1") == "10.0.0.7"


@pytest.mark.parametrize("text", ["10.0.0.7/8", "everybody", "10.0.0.300", "*"])
def test_wrong_setting_of_proxies_names_itself(text: str) -> None:
    with pytest.raises(UsageError, match="trusted_proxies"):
        parse_trusted_proxies(text)
