"""Replaces held for approval: what one would change, approval (confirmed twice), withdrawal, dismissal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.formatting import lines
from vipgate.admin.console.name_lookup import ChargeNames, read_names
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.request_body import Unreadable, as_text, charset_of, order_of, read_body
from vipgate.admin.console.urls import park_at
from vipgate.admin.console.views.park import HELD_SHOWN_MAX, no_park
from vipgate.domain.hint_masking import mask_hint
from vipgate.protocol.charset import Charset
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, RequestLogEntry
from vipgate.store.interfaces.queries import HeldReplace, RecordHit, RecordQuery
from vipgate.support.web.errors import PageError, conflict, not_there

# The newest records are compared with the body, to show which of them it would remove.
COMPARED_MAX: Final = 500
GONE_SHOWN_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class HeldReplaceView:
    """A held replace and its effect. `gone`: those of the newest `compared` records that the body lacks."""

    park: Park
    entry: RequestLogEntry
    held: HeldReplace
    then: int
    gone: list[RecordHit]
    compared: int
    names: ChargeNames


async def ask(staff: StaffRequest) -> Response:
    """Shows what would change."""
    return _asking(staff, await _load_view(staff), again=False)


async def allow(staff: StaffRequest) -> Response:
    """Asks for confirmation; then approves, if the park's generation is still as shown."""
    view = await _load_view(staff)
    shown = (staff.form.get("now"), staff.form.get("records"))
    if shown != (str(view.park.generation), str(view.park.records)):
        return _asking(staff, view, again=False, moved=bool(staff.form.get("now")))
    if not staff.form.ticked("sure"):
        return _asking(staff, view, again=True)
    park_uuid = view.park.park_uuid
    detail = f"{view.park.records} → {view.then}"
    audited = staff.audit_entry("park.allow_replace", park_uuid=park_uuid, subject=view.entry.seqno, detail=detail)
    await staff.database(
        lambda database: database.store.allow_replace(park_uuid, view.held.body_sha256, staff.now_us, audited)
    )
    staff.context.park_status.forget()
    return staff.go(park_at(park_uuid), "replace_allowed")


async def disallow(staff: StaffRequest) -> Response:
    """Withdraws the approval, if it was not used in the meantime."""
    view = await _load_view(staff)
    park_uuid = view.park.park_uuid
    audited = staff.audit_entry("park.disallow_replace", park_uuid=park_uuid, subject=view.held.seqno)
    if not await staff.database(
        lambda database: database.store.disallow_replace(park_uuid, view.held.body_sha256, audited)
    ):
        raise conflict("这个请求没有被允许，或已经执行", "this request is not approved, or has been carried out")
    staff.context.park_status.forget()
    return staff.go(park_at(park_uuid), "replace_disallowed")


async def dismiss(staff: StaffRequest) -> Response:
    """Removes the held replace from the list at once. Only its body is lost; a repeated request brings it again."""
    view = await _load_view(staff)
    park_uuid = view.park.park_uuid
    audited = staff.audit_entry("park.dismiss_replace", park_uuid=park_uuid, subject=view.held.seqno)
    if not await staff.database(
        lambda database: database.store.dismiss_replace(park_uuid, view.held.body_sha256, audited)
    ):
        raise _not_held()
    staff.context.park_status.forget()
    return staff.go(park_at(park_uuid), "replace_dismissed")


def _asking(staff: StaffRequest, view: HeldReplaceView, *, again: bool, moved: bool = False) -> Response:
    why = "" if view.entry.hint is None else staff.translator.say(view.entry.hint)
    return staff.page(
        "held_replace.html",
        status=409 if moved else 200,
        view=view,
        park=view.park,
        why=why if staff.sees_plates else mask_hint(why),
        records=lines(staff.translator, view.gone[:GONE_SHOWN_MAX]),
        again=again,
        moved=moved,
        days=staff.context.settings.retention.generation_days,
    )


async def _load_view(staff: StaffRequest) -> HeldReplaceView:
    park_uuid, seqno = path_text(staff, "park_uuid"), path_text(staff, "seqno")
    return await staff.database(partial(_read, park_uuid=park_uuid, seqno=seqno))


def _read(database: Database, park_uuid: str, seqno: str) -> HeldReplaceView:
    park = database.store.find_park(park_uuid)
    if park is None:
        raise no_park(park_uuid)
    entry = database.store.request_log_entry(seqno)
    waiting = {one.body_sha256: one for one in database.queries.held_replaces(park_uuid, 0, HELD_SHOWN_MAX)}
    held = None if entry is None or entry.park_uuid != park_uuid else waiting.get(entry.origin.body_sha256)
    body = None if held is None else database.store.rejected_body(held.seqno)
    if entry is None or body is None or held is None:
        raise _not_held()
    orders = _orders(body, charset_of(entry, park))
    newest = database.queries.records(RecordQuery(park_uuid=park_uuid), None, COMPARED_MAX).items
    gone = [one for one in newest if one.stored.renewal.pay_partner not in orders]
    return HeldReplaceView(
        park=park,
        entry=entry,
        held=held,
        then=len(orders),
        gone=gone,
        compared=len(newest),
        names=read_names(database, [park_uuid]),
    )


def _not_held() -> PageError:
    return not_there(
        "这个请求没有被暂扣，或已经执行或忽略；请从车场页面查看",
        "this request is not held, or has been carried out or dismissed; see the park's page",
    )


def _orders(body: bytes, charset: Charset) -> frozenset[str]:
    """Returns the order numbers of a body that passed the push pipeline up to the commit, read in the same way."""
    try:
        return frozenset(order for row in read_body(as_text(body, charset)).rows if (order := order_of(row)))
    except Unreadable as unreadable:
        raise not_there(unreadable.words.zh, unreadable.words.en) from None


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/held/{seqno}", ask, role="operator"),
    StaffRoute("/parks/{park_uuid}/held/{seqno}", allow, "POST", role="operator"),
    StaffRoute("/parks/{park_uuid}/held/{seqno}/disallow", disallow, "POST", role="operator"),
    StaffRoute("/parks/{park_uuid}/held/{seqno}/dismiss", dismiss, "POST", role="operator"),
)
