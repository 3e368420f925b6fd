"""Starts a coroutine at once: most requests are read, judged and queued without a pause, and many refusals answered so.

A task is made for what has to wait, not before (Python 3.12 brings the same as `eager_task_factory`). It saves a turn of the
loop for each request, and under load the turns are long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any

from vipgate.support.background import (
    Ended,
    is_fault,
    report,
    start_task,
)


def start_eagerly(
    steps: Coroutine[Any, None, None], loop: asyncio.AbstractEventLoop, ended: Ended
) -> asyncio.Task[None] | None:
    """Runs `steps` up to where they wait for something; the task that goes on from there, or None where they are through.

    The first part has no current task: what needs one, such as `asyncio.timeout` and since Python 3.12 `asyncio.wait_for`, has no
    place on the road. `ended` hears of a fault, whichever part it comes from.
    """
    try:
        waited = steps.send(None)
    except StopIteration:
        return None
    except BaseException as error:
        if not is_fault(error):
            raise
        report("request", error)
        ended(error)
        return None
    _mark_awaited(waited, awaited=False)
    return start_task(_go_on(steps, waited), "request", ended, loop=loop)


def _mark_awaited(waited: object, *, awaited: bool) -> None:
    """By this sign a task knows that `await` was used. It must not stand until the task begins: others may await the same."""
    if asyncio.isfuture(waited):
        waited._asyncio_future_blocking = awaited  # noqa: SLF001 - what every kind of future has to have


async def _go_on(steps: Coroutine[Any, None, None], waited: object) -> None:
    """What a task is made of. Since Python 3.12 that cannot be a generator, marked as a coroutine or not."""
    await _hand_on(steps, waited)


@coroutine
def _hand_on(steps: Coroutine[Any, None, None], waited: object) -> Generator[Any, Any, None]:
    """Hands on between a task and `steps`, which wait for `waited`."""
    _mark_awaited(waited, awaited=True)
    while True:
        try:
            yield waited
        except BaseException as error:  # noqa: BLE001 - they hear of whatever it is, their own end among it
            step = partial(steps.throw, error)
        else:
            step = partial(steps.send, None)
        try:
            waited = step()
        except StopIteration:
            return
