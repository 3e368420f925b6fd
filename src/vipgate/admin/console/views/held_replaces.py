"""Replaces held for approval: what one would change, approval (confirmed twice), withdrawal, dismissal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.errors import PageError, conflict, not_there
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


async def ask(visit: StaffRequest) -> Response:
    """Shows what would change."""
    return _asking(visit, await _load_view(visit), again=False)


async def allow(visit: StaffRequest) -> Response:
    """Asks for confirmation; then approves, if the park's generation is still as shown."""
    view = await _load_view(visit)
    shown = (visit.form.get("now"), visit.form.get("records"))
    if shown != (str(view.park.generation), str(view.park.records)):
        return _asking(visit, view, again=False, moved=bool(visit.form.get("now")))
    if not visit.form.ticked("sure"):
        return _asking(visit, view, again=True)
    park_uuid = view.park.park_uuid
    detail = f"{view.park.records} → {view.then}"
    audited = visit.audit_entry("park.allow_replace", park_uuid=park_uuid, subject=view.entry.seqno, detail=detail)
    await visit.database(
        lambda database: database.store.allow_replace(park_uuid, view.held.body_sha256, visit.now_us, audited)
    )
    visit.context.park_status.forget()
    return visit.go(park_at(park_uuid), "replace_allowed")


async def disallow(visit: StaffRequest) -> Response:
    """Withdraws the approval, if it was not used in the meantime."""
    view = await _load_view(visit)
    park_uuid = view.park.park_uuid
    audited = visit.audit_entry("park.disallow_replace", park_uuid=park_uuid, subject=view.held.seqno)
    if not await visit.database(
        lambda database: database.store.disallow_replace(park_uuid, view.held.body_sha256, audited)
    ):
        raise conflict("这个请求没有被允许，或已经执行", "this request is not allowed, or was carried out since")
    visit.context.park_status.forget()
    return visit.go(park_at(park_uuid), "replace_disallowed")


async def dismiss(visit: StaffRequest) -> Response:
    """Removes it from the list at once. Only its body is lost; a repeated request brings it again."""
    view = await _load_view(visit)
    park_uuid = view.park.park_uuid
    audited = visit.audit_entry("park.dismiss_replace", park_uuid=park_uuid, subject=view.held.seqno)
    if not await visit.database(
        lambda database: database.store.dismiss_replace(park_uuid, view.held.body_sha256, audited)
    ):
        raise _not_held()
    visit.context.park_status.forget()
    return visit.go(park_at(park_uuid), "replace_dismissed")


def _asking(visit: StaffRequest, view: HeldReplaceView, *, again: bool, moved: bool = False) -> Response:
    why = "" if view.entry.hint is None else visit.speech.say(view.entry.hint)
    return visit.page(
        "held.html",
        status=409 if moved else 200,
        told=view,
        park=view.park,
        why=why if visit.sees_plates else mask_hint(why),
        records=lines(visit.speech, view.gone[:GONE_SHOWN_MAX]),
        again=again,
        moved=moved,
        days=visit.context.settings.retention.generation_days,
    )


async def _load_view(visit: StaffRequest) -> HeldReplaceView:
    park_uuid, seqno = path_text(visit, "park_uuid"), path_text(visit, "seqno")
    return await visit.database(partial(_read, park_uuid=park_uuid, seqno=seqno))


def _read(database: Database, park_uuid: str, seqno: str) -> HeldReplaceView:
    park = database.store.find_park(park_uuid)
    if park is None:
        raise no_park(park_uuid)
    entry = database.store.request_log_entry(seqno)
    waiting = {one.body_sha256: one for one in database.queries.held_replaces(park_uuid, 0, HELD_SHOWN_MAX)}
    held = None if entry is None or entry.park_uuid != park_uuid else waiting.get(entry.origin.body_sha256)
    body = None if held is None else database.store.refused_body(held.seqno)
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
        "this request is not held, or was carried out or dismissed since; look at the park's page",
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
