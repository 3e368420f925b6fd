"""Reads the replaces that are held for approval, with the count of their repeats, on any engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vipgate.store.interfaces.queries import HELD_TIMES_MAX, HeldReplace

Ask = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]


def read_held(ask: Ask, wanted: Mapping[str, object]) -> list[HeldReplace]:
    """Runs `held_replaces` and counts the repeats of each in the request log: a few small single-park queries per row."""
    found = [_with_times(ask, *row) for row in ask("held_replaces", wanted)]
    return [one for one in found if one is not None]


def _with_times(
    ask: Ask, park_uuid: str, name: str, body_sha256: str, seqno: str, body_bytes: int, allowed_until_us: int | None
) -> HeldReplace | None:
    """None if the replace has taken effect since the row was read."""
    body = {"park_uuid": park_uuid, "body_sha256": body_sha256}
    [[began]] = ask("held_since", body)
    first = ask("held_first", body | {"began": began})
    last = ask("held_last", body | {"began": began, "most": HELD_TIMES_MAX})
    if not first or not last:
        return None
    [[first_us]], [[last_us, times]] = first, last
    return HeldReplace(
        park_uuid=park_uuid,
        park_name=name,
        body_sha256=body_sha256,
        seqno=seqno,
        times=times,
        first_us=first_us,
        last_us=last_us,
        body_bytes=body_bytes,
        allowed_until_us=allowed_until_us,
    )
