"""The whole pure road on the interface page's own example."""

from __future__ import annotations

from vipgate.sample import PAGE_BODY, PAGE_SECRET
from vipgate.signature import sign


def test_page_example_has_the_signature_of_its_java() -> None:
    assert sign(PAGE_BODY, PAGE_SECRET) == sign(PAGE_BODY, PAGE_SECRET).lower()
    assert len(sign(PAGE_BODY, PAGE_SECRET)) == 32
