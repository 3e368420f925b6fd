"""Compares the source with the platform month by month, as a job, and sends what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.responses import Response

from vipgate.agent.opening import open_client, opened_spool
from vipgate.agent.page.context import Context
from vipgate.agent.page.jobs import BUSY
from vipgate.agent.page.request import PageRequest
from vipgate.agent.reconcile import Report, SourceRecord, compare
from vipgate.agent.reconcile_sides import Extra, ParkSide, ask_patiently
from vipgate.support.web.errors import PageError


@dataclass(frozen=True, slots=True)
class Compared:
    """The result: the report, why the platform alone has records, how many rows cannot be sent, how many a repair has queued."""

    report: Report
    extra: Extra
    wrong: int
    queued: int


async def show(request: PageRequest) -> Response:
    """Shows the last comparison, or how far the present one is."""
    job = request.context.job
    result = job.result if isinstance(job.result, Compared) else None
    return request.page("compare.html", job=job, result=result)


async def start(request: PageRequest) -> Response:
    """Starts a comparison; with `repair`, what differs is queued for the agent."""
    context, repairs = request.context, request.form.ticked("repair")
    if not context.job.start(
        "repair" if repairs else "compare", lambda: _compare(context, repairs=repairs), context.clock_us
    ):
        raise PageError(409, BUSY)
    return request.go("/compare")


def _compare(context: Context, *, repairs: bool) -> Compared:
    config, job = context.config(), context.job
    with opened_spool(config, context.given_spool) as spool, open_client(config) as client:
        side = ParkSide(config, spool)

        def rows() -> Iterator[SourceRecord]:
            for record in side.rows():
                job.rows += 1
                yield record

        report = compare(
            rows,
            lambda members: ask_patiently(client, members),
            side.queue if repairs else lambda _: None,
            side.explain,
        )
        return Compared(report, side.extra, side.wrong, side.queue_rest())
