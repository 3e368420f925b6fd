"""One park: health, figures, generations, and restoring an earlier generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.date_range import Period
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.statistics import add_up, money_chart, records_chart, refusals
from vipgate.admin.console.urls import park_at, with_query
from vipgate.domain.park_health import USUAL_DAYS, Health, park_health
from vipgate.protocol.renewal import FLAG_NAMES
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import DAY_US, Generation, Park, business_day
from vipgate.store.interfaces.queries import (
    SIGNATURES_SCANNED_MAX,
    DailyAnswers,
    DailyMoney,
    HeldReplace,
    ParkDetails,
    Signatures,
)
from vipgate.support.web.errors import PageError, conflict, not_there

DAYS_SHOWN: Final = 30
SIGNATURE_DAYS: Final = 7
HELD_SHOWN_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class ParkView:
    """What the page shows of a park."""

    park: Park
    more: ParkDetails
    health: Health
    money: list[DailyMoney]
    answers: list[DailyAnswers]
    generations: list[Generation]
    flagged: dict[str, int]
    signatures: Signatures
    held: list[HeldReplace]


def no_park(park_uuid: str) -> PageError:
    """Makes the error for an unknown park."""
    return not_there(
        f"没有车场 {park_uuid}；请从车场列表进入", f"there is no park {park_uuid}; start from the list of parks"
    )


def find(database: Database, park_uuid: str, now_us: int) -> tuple[Park, Health]:
    """Reads a park and its health. Raises PageError if there is none."""
    park = database.store.find_park(park_uuid)
    if park is None:
        raise no_park(park_uuid)
    today = business_day(now_us)
    days = database.queries.answers_by_day(park_uuid, today - USUAL_DAYS + 1, today + 1)
    return park, park_health(park, days, now_us)


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    park_uuid = path_text(staff, "park_uuid")
    today = business_day(staff.now_us)
    period = Period(today - DAYS_SHOWN + 1, today + 1, DAYS_SHOWN)
    state = await staff.database(lambda database: _read(database, park_uuid, period, staff.now_us))
    since, until = staff.translator.day(period.since_day), staff.translator.day(today)

    def listed(code: str) -> str:
        return with_query("/requests", park=park_uuid, code=code, since=since, until=until)

    return staff.page(
        "park.html",
        state=state,
        park=state.park,
        days=DAYS_SHOWN,
        signature_days=SIGNATURE_DAYS,
        signatures_max=SIGNATURES_SCANNED_MAX,
        sums=add_up(state.money, state.answers),
        records=records_chart(staff.translator, period, state.money),
        money=money_chart(staff.translator, period, state.money),
        refusals=refusals(state.answers, listed),
        kept_until_us={
            one.generation: one.ended_us + staff.context.settings.retention.generation_days * DAY_US
            for one in state.generations
            if one.ended_us is not None
        },
    )


def _read(database: Database, park_uuid: str, period: Period, now_us: int) -> ParkView:
    park = database.store.find_park(park_uuid)
    more = None if park is None else database.queries.park_details(park_uuid)
    if park is None or more is None:
        raise no_park(park_uuid)
    answers = database.queries.answers_by_day(park_uuid, period.since_day, period.until_day)
    flagged = database.queries.flagged(park_uuid)
    return ParkView(
        park=park,
        more=more,
        health=park_health(park, answers, now_us),
        money=database.queries.money_by_day(park_uuid, period.since_day, period.until_day),
        answers=answers,
        generations=database.queries.generations_of(park_uuid),
        flagged={FLAG_NAMES[flag]: count for flag, count in flagged.items() if count},
        signatures=signatures_lately(database, park_uuid, now_us),
        held=database.queries.held_replaces(park_uuid, 0, HELD_SHOWN_MAX),
    )


def signatures_lately(database: Database, park_uuid: str, now_us: int) -> Signatures:
    """Reads how the park signed in the last SIGNATURE_DAYS."""
    return database.queries.signatures(park_uuid, now_us - SIGNATURE_DAYS * DAY_US)


@dataclass(frozen=True, slots=True)
class GenerationChange:
    """A restore: from one generation to another."""

    park: Park
    now: Generation
    then: Generation


async def ask_restore(staff: StaffRequest) -> Response:
    """Shows what a restore would change."""
    return _asking(staff, await _change(staff), again=False)


async def restore(staff: StaffRequest) -> Response:
    """Asks for confirmation; then restores, if the park's generation is still as shown."""
    change = await _change(staff)
    shown = (staff.form.get("now"), staff.form.get("records"))
    if shown != (str(change.now.generation), str(change.now.records)):
        return _asking(staff, change, again=False, moved=bool(staff.form.get("now")))
    if not staff.form.ticked("sure"):
        return _asking(staff, change, again=True)
    park_uuid = change.park.park_uuid
    detail = f"{change.now.generation} ({change.now.records}) → {change.then.generation} ({change.then.records})"
    entry = staff.audit_entry("park.restore", park_uuid=park_uuid, subject=str(change.then.generation), detail=detail)

    if not await staff.database(
        lambda database: database.store.restore(park_uuid, change.then.generation, staff.now_us, entry)
    ):
        raise conflict("这个存量批次已被清除，无法恢复", "this generation has been purged and cannot be restored")
    staff.context.park_status.forget()
    return staff.go(park_at(park_uuid), "restored")


def _asking(staff: StaffRequest, change: GenerationChange, *, again: bool, moved: bool = False) -> Response:
    days = staff.context.settings.retention.generation_days
    status = 409 if moved else 200
    return staff.page("restore.html", status=status, change=change, again=again, moved=moved, days=days)


async def _change(staff: StaffRequest) -> GenerationChange:
    park_uuid, wanted = path_text(staff, "park_uuid"), path_text(staff, "generation")

    def read(database: Database) -> tuple[Park | None, list[Generation]]:
        return database.store.find_park(park_uuid), database.queries.generations_of(park_uuid)

    park, generations = await staff.database(read)
    if park is None:
        raise no_park(park_uuid)
    now = next((one for one in generations if one.current), None)
    then = next((one for one in generations if str(one.generation) == wanted and not one.current), None)
    if now is None or then is None:
        raise not_there(
            "这个存量批次已不存在，或就是当前的存量批次", "this generation is no longer there, or it is the current one"
        )
    return GenerationChange(park, now, then)


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}", show),
    StaffRoute("/parks/{park_uuid}/generations/{generation}", ask_restore, role="operator"),
    StaffRoute("/parks/{park_uuid}/generations/{generation}", restore, "POST", role="operator"),
)
