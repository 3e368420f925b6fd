"""The overview: what was received, what was rejected, which parks need attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.date_range import PRESETS, read_period
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.park_status import ParkStatus
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.statistics import add_up, money_chart, records_chart, refusals, refusals_chart
from vipgate.admin.console.urls import with_query
from vipgate.domain.park_health import MARKS, Health
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, business_day

WORST_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class ParkAlert:
    """A park that needs attention."""

    park: Park
    health: Health


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    period = read_period(staff.query, business_day(staff.now_us))
    look = await staff.context.park_status.read(staff.now_us)

    days = await staff.context.daily_totals.read(period.since_day, period.until_day, staff.now_us)
    money = [one for day in days for one in day.money]
    answers = [one for day in days for one in day.answers]
    sick = await staff.database(
        lambda database: [one for uuid in worst(look) if (one := _sick(database, uuid, look)) is not None]
    )
    since, until = staff.translator.day(period.since_day), staff.translator.day(period.until_day - 1)
    return staff.page(
        "overview.html",
        status=422 if staff.query.errors else 200,
        period=period,
        presets=PRESETS,
        since=since,
        until=until,
        sums=add_up(money, answers),
        money=money_chart(staff.translator, period, money),
        records=records_chart(staff.translator, period, money),
        refused=refusals_chart(staff.translator, period, answers),
        refusals=refusals(answers, lambda code: with_query("/requests", code=code, since=since, until=until)),
        parks=len(look.parks),
        marks=[(mark, len(look.marked(mark))) for mark in MARKS],
        well=sum(not health.marks for health in look.parks.values()),
        whole=look.whole,
        sick=sick,
        held=look.held,
    )


def worst(look: ParkStatus) -> list[str]:
    """Returns the parks that need attention: rejected first, then silent, then on an old secret; longest silence first."""

    def order(pair: tuple[str, Health]) -> tuple[bool, bool, float]:
        marks, health = pair[1].marks, pair[1]
        return "rejected" not in marks, "silent" not in marks, -(health.quiet_s or 0.0)

    wanted = [pair for pair in look.parks.items() if pair[1].marks & {"rejected", "silent", "old_secret"}]
    return [park_uuid for park_uuid, _ in sorted(wanted, key=order)[:WORST_SHOWN]]


def _sick(database: Database, park_uuid: str, look: ParkStatus) -> ParkAlert | None:
    park = database.store.find_park(park_uuid)
    return None if park is None else ParkAlert(park, look.parks[park_uuid])


PAGES: Final = (StaffRoute("/", show),)
