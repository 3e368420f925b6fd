"""Runs a coroutine synchronously until it first suspends, like Python 3.12's eager tasks.

Most requests are parsed, checked and queued without suspending. This saves each of them a tick of the event loop, which is
long under load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any

from vipgate.support.background import Ended, is_fault, report, start_task


def start_eagerly(
    steps: Coroutine[Any, None, None], loop: asyncio.AbstractEventLoop, ended: Ended
) -> asyncio.Task[None] | None:
    """Runs `steps` until it suspends; returns the task for the rest, or None where it is finished.

    The first part has no current task: the push pipeline must not use `asyncio.timeout` nor, since Python 3.12,
    `asyncio.wait_for`. `ended` is called with an error of either part.
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
    """Sets the flag by which a task recognises `await`. It must be off until the task starts: others may await the future too."""
    if asyncio.isfuture(waited):
        waited._asyncio_future_blocking = awaited  # noqa: SLF001 - part of the future protocol


async def _go_on(steps: Coroutine[Any, None, None], waited: object) -> None:
    """Wraps the generator: since Python 3.12 a task needs a real coroutine."""
    await _hand_on(steps, waited)


@coroutine
def _hand_on(steps: Coroutine[Any, None, None], waited: object) -> Generator[Any, Any, None]:
    """Continues `steps`, which is suspended on `waited`, inside a task."""
    _mark_awaited(waited, awaited=True)
    while True:
        try:
            yield waited
        except BaseException as error:  # noqa: BLE001 - passed on to `steps`, cancellation included
            step = partial(steps.throw, error)
        else:
            step = partial(steps.send, None)
        try:
            waited = step()
        except StopIteration:
            return
