"""One gateway for the tests of a module that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.running import Gateway

PARK = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(
        tmp_path_factory.mktemp("home"), {"VIPGATE_REQUEST_TIMEOUT_S": "1.5", "VIPGATE_KEEPALIVE_TIMEOUT_S": "2"}
    )
    made.add_park(PARK)
    made.start()
    yield made
    assert made.stop() == 0


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of the test's own, not started yet."""
    made = Gateway(tmp_path_factory.mktemp("own"))
    made.add_park(PARK)
    yield made
    if made.process is not None:
        made.kill()
