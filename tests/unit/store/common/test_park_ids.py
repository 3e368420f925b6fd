"""park_ids are remembered up to a bound."""

from __future__ import annotations

import pytest

from vipgate.store.common.park_ids import ParkIds


def test_park_ids_that_were_read_are_known() -> None:
    ids = ParkIds()
    ids.add({"a": 1, "b": 2})
    assert ids.known(["b", "c"]) == {"b": 2}


def test_no_more_park_ids_are_remembered_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vipgate.store.common.park_ids.PARK_IDS_MAX", 2)
    ids = ParkIds()
    ids.add({"a": 1, "b": 2})
    ids.add({"c": 3})
    assert ids.known(["a", "b", "c"]) == {"a": 1, "b": 2}
