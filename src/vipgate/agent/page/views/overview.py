"""Day by day: one true sentence, trouble with its remedy, rate and backlog, the last requests; starts and stops the agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from starlette.responses import Response

from vipgate.agent.page.context import Context
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.summary import summarize
from vipgate.agent.service_unit import UNIT_FOLDER, service_commands, service_name
from vipgate.agent.spool import Spool, is_running
from vipgate.agent.status import INTERVAL_US, INTERVALS_KEPT_MAX, Interval, Status, load_status
from vipgate.support.web.charts import Chart, Series, bars
from vipgate.support.web.translator import Translator

# The agent writes its status every second.
ALIVE_US_MAX: Final = 10_000_000
_BEIJING: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the spool holds. `status` is None before the first run. `is_outdated`: it runs by another mapping than is stored now."""

    is_alive: bool
    status: Status | None
    service: str
    is_filtered: bool
    was_stopped: bool = False
    is_outdated: bool = False


async def show(request: PageRequest) -> Response:
    """Shows the overview; before there is a configuration, leads to the set-up."""
    if not request.context.config_path.exists():
        return request.go("/setup")
    found = await request.run(lambda: _look(request.context))
    status = found.status
    summary = summarize(
        request.translator,
        status,
        is_alive=found.is_alive,
        now_us=request.now_us,
        is_filtered=found.is_filtered,
        was_stopped=found.was_stopped,
    )
    charts = None if status is None else _charts(request.translator, status.history, request.now_us)
    return request.page(
        "overview.html",
        found=found,
        seen=status,
        summary=summary,
        charts=charts,
        ours=request.context.process.is_ours,
        is_ending=request.context.process.is_ending,
        service_commands=service_commands(request.context.config_path),
    )


def _look(context: Context) -> _Found:
    config = context.config()
    path = context.spool_path(config)
    service = _service(config.path)
    if not path.exists():
        return _Found(is_alive=False, status=None, service=service, is_filtered=bool(config.filters))
    spool = Spool(path, context.clock_us)
    try:
        status = load_status(spool)
        # A run that was killed, or ended by a power failure, leaves the mark of a running one.
        mapping = spool.get_setting("snapshot_mapping")
        was_stopped = spool.get_setting("running") is None
        if status is not None:
            status.backlog, status.dead = spool.backlog()[0], spool.count_dead_letters()
    finally:
        spool.close()
    # A fresh status needs no look at the lock, which a starting agent may want at the same time. That of an agent which this
    # page saw end says nothing.
    is_fresh = status is not None and context.clock_us() - status.at_us < ALIVE_US_MAX and not context.process.has_ended
    is_alive = is_fresh or is_running(path)
    return _Found(
        is_alive=is_alive,
        status=status,
        service=service,
        is_filtered=bool(config.filters),
        was_stopped=was_stopped,
        is_outdated=is_alive and mapping not in (None, config.mapping_fingerprint),
    )


def _service(config: Path) -> str:
    """The name of the installed service; empty without one."""
    name = service_name(config)
    return name if UNIT_FOLDER.joinpath(f"{name}.service").exists() else ""


def _charts(t: Translator, history: list[Interval], now_us: int) -> tuple[Chart, Chart]:
    """Charts of what was sent and what waited, in the last hour."""
    until = now_us // INTERVAL_US + 1
    since = until - INTERVALS_KEPT_MAX
    sent = Series(t("chart.sent"), "one", {one.number: one.sent for one in history})
    waiting = Series(t("chart.backlog"), "two", {one.number: one.backlog for one in history})
    return bars(since, until, [sent], _clock, t.number), bars(since, until, [waiting], _clock, t.number)


def _clock(number: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number * INTERVAL_US)
    return (moment + _BEIJING).strftime("%H:%M")


async def start(request: PageRequest) -> Response:
    """Starts the agent."""
    context = request.context
    config = context.config()
    await request.run(lambda: context.process.start(config, context.spool_path(config)))
    return request.go("/", "started")


async def stop(request: PageRequest) -> Response:
    """Stops the agent that this page has started."""
    has_ended = await request.run(request.context.process.stop)
    return request.go("/", "stopped" if has_ended else "stopping")
