"""One gateway for the tests of a module that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.gateway_process import PARK, Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {"VIPGATE_REQUEST_TIMEOUT_S": "1.5", "VIPGATE_KEEPALIVE_TIMEOUT_S": "2"}
    made = Gateway(tmp_path_factory.mktemp("home"), settings, admin=True)
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
