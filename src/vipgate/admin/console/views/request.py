"""One request: its log entry, the errors by row, its kept body, and its replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from markupsafe import escape
from starlette.responses import Response

from vipgate.admin.console.formatting import lines
from vipgate.admin.console.name_lookup import ChargeNames, read_names
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.replay_form import assemble, rows_named, types_hidden_values
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.request_body import (
    Body,
    Row,
    Unreadable,
    as_text,
    charset_of,
    hide,
    hide_row,
    is_of_another_charset,
    laid_out,
    member_of,
    order_of,
    read_body,
    write_body,
    write_row,
)
from vipgate.admin.console.views.park import HELD_SHOWN_MAX
from vipgate.domain.hint_masking import HintLine, read_hint
from vipgate.errors import ReplaceOnHold, RequestError, UsageError
from vipgate.gateway.replay import PreparedReplay, ReplayRejected, ReplayRequest, commit, log_rejection, prepare
from vipgate.i18n import LocalizedText
from vipgate.protocol.charset import Charset, charset_fault, shown_text
from vipgate.protocol.seqno import SEQNO_CHARS, seqno_time_us
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, RequestLogEntry
from vipgate.store.interfaces.queries import RecordHit, RecordQuery
from vipgate.support.web.errors import PageError, conflict, not_there
from vipgate.support.web.forms import FormData

# Size limit of a body on a page, counted after escaping: a quote takes five characters.
TEXT_BYTES_MAX: Final = 24 * 1024
RECORDS_SHOWN_MAX: Final = 20
FORM_BYTES_MAX: Final = 2 * 1024 * 1024
# Positions searched beyond a request's own, for requests received at the same time.
PLACES_BEHIND: Final = 1_000


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request, its park, body, replays, and the records that are still as it wrote them. `held`: it waits for approval."""

    entry: RequestLogEntry
    park: Park | None
    kept: bytes | None
    replays: list[str]
    written: list[RecordHit]
    names: ChargeNames
    known: frozenset[str]
    held: bool

    @property
    def charset(self) -> Charset:
        """The charset that the kept body must be in."""
        return charset_of(self.entry, self.park)


@dataclass(frozen=True, slots=True)
class BodyView:
    """What is shown of a kept body: all as text, or rows by number if it is long; neither if it cannot be shown.

    `misread`: the body is not in the park's charset, so the text is a guess.
    """

    text: str
    rows: dict[int, str]
    total: int
    unreadable: bool
    misread: LocalizedText | None = None


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A line of the hint with its row's order number and plate. `known`: a record has that order number."""

    line: HintLine
    order: str
    plate: str
    known: bool


def _read(database: Database, seqno: str) -> RequestView:
    entry = database.store.request_log_entry(seqno) if _is_seqno(seqno) else None
    if entry is None:
        raise not_there(
            f"没有请求流水号为 {seqno[:64]} 的请求；它可能早于请求日志的保留期",
            f"there is no request {seqno[:64]}; it may be older than the request log",
        )
    park_uuid = entry.park_uuid
    kept = database.store.rejected_body(seqno) if entry.body_kept else None
    replays = [] if park_uuid is None else database.queries.replays_of(park_uuid, seqno)
    park = None if park_uuid is None else database.store.find_park(park_uuid)
    written = _written(database, entry)
    return RequestView(
        entry=entry,
        park=park,
        kept=kept,
        replays=replays,
        written=written,
        names=read_names(database, [] if park_uuid is None else [park_uuid]),
        known=_known(database, entry, kept, charset_of(entry, park)),
        held=_is_held(database, entry),
    )


def _is_seqno(text: str) -> bool:
    return len(text) == SEQNO_CHARS and seqno_time_us(text) is not None


def _written(database: Database, entry: RequestLogEntry) -> list[RecordHit]:
    """Returns records that are still as the request wrote them, within the positions expected for it."""
    if entry.park_uuid is None or not entry.inserted + entry.updated:
        return []
    since_us = entry.origin.received_us
    behind_us = since_us + entry.received + PLACES_BEHIND
    query = RecordQuery(park_uuid=entry.park_uuid, since_us=since_us, until_us=behind_us)
    page = database.queries.records(query, None, RECORDS_SHOWN_MAX * 10)
    return [found for found in page.items if found.stored.seqno == entry.seqno][-RECORDS_SHOWN_MAX:]


def _is_held(database: Database, entry: RequestLogEntry) -> bool:
    if entry.code != ReplaceOnHold.code or entry.park_uuid is None:
        return False
    waiting = database.queries.held_replaces(entry.park_uuid, 0, HELD_SHOWN_MAX)
    return any(one.body_sha256 == entry.origin.body_sha256 for one in waiting)


def _known(database: Database, entry: RequestLogEntry, kept: bytes | None, charset: Charset) -> frozenset[str]:
    """Returns the order numbers in the hint's rows that have a record."""
    body = None if kept is None else _parsed(kept, charset)
    if body is None or entry.park_uuid is None or entry.hint is None:
        return frozenset()
    orders = {order_of(body.rows[row]) for row in rows_named(entry.hint.zh) if row < len(body.rows)}
    return frozenset(order for order in orders if order and database.store.find_record(entry.park_uuid, order))


def _parsed(kept: bytes, charset: Charset) -> Body | None:
    try:
        return read_body(as_text(kept, charset))
    except Unreadable:
        return None


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    view = await staff.database(partial(_read, seqno=path_text(staff, "seqno")))
    return _page(staff, view, FormData([]))


def _page(
    staff: StaffRequest, view: RequestView, form: FormData, *, asking: PreparedReplay | None = None, status: int = 200
) -> Response:
    entry, hidden = view.entry, not staff.sees_plates
    body = None if view.kept is None else _parsed(view.kept, view.charset)
    hint = "" if entry.hint is None else staff.translator.say(entry.hint)
    faults = [_fault(staff, view, body, line) for line in read_hint(hint, hide=hidden)]
    return staff.page(
        "request.html",
        status=status,
        view=view,
        entry=entry,
        park=view.park,
        faults=faults,
        by_row=any(fault.line.row is not None for fault in faults),
        shown=_shown(view, body, rows_named("" if entry.hint is None else entry.hint.zh), hidden=hidden),
        records=lines(staff.translator, view.written),
        form=form,
        asking=asking,
        hidden=hidden,
        held=view.held,
        replayable=view.kept is not None and view.park is not None,
    )


def _fault(staff: StaffRequest, view: RequestView, body: Body | None, line: HintLine) -> FaultyRow:
    if body is None or line.row is None or line.row >= len(body.rows):
        return FaultyRow(line, "", "", known=False)
    row = body.rows[line.row]
    order, plate = order_of(row) or "", member_of(row, "plate")
    return FaultyRow(line, order, "" if plate is None else staff.plate(plate), order in view.known)


def _shown(view: RequestView, body: Body | None, named: Sequence[int], *, hidden: bool) -> BodyView | None:
    if view.kept is None:
        return None
    if body is None:
        text = shown_text(view.kept, view.charset)
        fits = not hidden and _weight(text) <= TEXT_BYTES_MAX
        misread = charset_fault(view.kept, view.charset)
        return BodyView(text if fits else "", {}, 0, unreadable=True, misread=misread)
    whole = laid_out(write_body(hide(body) if hidden else body)) if len(view.kept) <= TEXT_BYTES_MAX else ""
    if whole and _weight(whole) <= TEXT_BYTES_MAX:
        return BodyView(whole, {}, len(body.rows), unreadable=False)
    return BodyView("", _rows_that_fit(body.rows, named, hidden=hidden), len(body.rows), unreadable=False)


def _rows_that_fit(rows: Sequence[Row], named: Sequence[int], *, hidden: bool) -> dict[int, str]:
    """Returns the rows that the hint names, as many as fit on a page."""
    fitting: dict[int, str] = {}
    left = TEXT_BYTES_MAX
    for place in named:
        if place < len(rows):
            text = laid_out(write_row(hide_row(rows[place]) if hidden else rows[place]))
            left -= _weight(text)
            if left < 0:
                break
            fitting[place] = text
    return fitting


def _weight(text: str) -> int:
    return len(escape(text).encode())


async def replay(staff: StaffRequest) -> Response:
    """Sends the corrected body through the push pipeline; asks first if it would delete or revert records."""
    view = await staff.database(partial(_read, seqno=path_text(staff, "seqno")))
    entry, form = view.entry, staff.form
    if view.kept is None or view.park is None:
        raise conflict("没有保留这个请求的正文，无法重放", "no body of this request is kept, so it cannot be replayed")
    if is_of_another_charset(entry, view.park):
        raise conflict(
            "收到该请求之后车场的编码已更改，保留的正文可能被读错，不能重放；请让车场重新发送",
            "the park's charset was changed after this request arrived, so its body may be misread and is not replayed; "
            "ask the park to send it again",
        )
    body = assemble(form, view.kept, view.charset)
    if body is None:
        return _page(staff, view, form, status=422)
    if not staff.sees_plates and types_hidden_values(form, view.kept, view.charset):
        form.fault(
            "body",
            "车牌隐藏时不能填写车牌、卡号或新的订单号；请先显示完整车牌",
            "plates, cards and new order numbers cannot be typed while plates are hidden; have plates shown first",
        )
        return _page(staff, view, form, status=422)
    again = ReplayRequest(
        seqno=staff.context.seqno_generator.generate(staff.now_us),
        replay_of=entry.seqno,
        park_uuid=view.park.park_uuid,
        body=body,
        who=staff.user.name,
        now_us=staff.now_us,
    )
    try:
        asking = await staff.database(lambda database: _send(database, staff, again, form.get("sure")))
    except ReplayRejected as fault:
        form.fault("body", fault.words.zh, fault.words.en)
        return _page(staff, view, form, status=422)
    except UsageError as error:
        raise PageError(409, LocalizedText(f"无法打开该车场的密钥: {error}", str(error))) from None
    if isinstance(asking, PreparedReplay):
        return _page(staff, view, form, asking=asking, status=409 if form.get("sure") else 200)
    return staff.go(f"/requests/{again.seqno}", "replayed" if asking else "replay_rejected")


def _send(database: Database, staff: StaffRequest, again: ReplayRequest, sure: str) -> PreparedReplay | bool:
    """Returns what must be confirmed first, or whether the replay was stored; logs a rejection with its body."""
    # Counts as a search while plates are masked: it reveals whether a record holds what was typed.
    staff.search(database, again.seqno, lambda: True)
    try:
        prepared = prepare(database.store, staff.context.vault, again)
    except RequestError as rejection:
        database.accounts.write_audit_entry(_audit_entry(staff, again, f"{again.seqno}: {rejection.code}"))
        log_rejection(database.store, again, rejection)
        return False
    if prepared.confirmation_token not in ("", sure):
        return prepared
    # Before the commit, so that nothing is done unaudited; the request log has the result under this seqno.
    database.accounts.write_audit_entry(
        _audit_entry(staff, again, f"{again.seqno}, complete" if prepared.push.complete else again.seqno)
    )
    commit(database.store, prepared)
    return True


def _audit_entry(staff: StaffRequest, again: ReplayRequest, detail: str) -> AuditEntry:
    return staff.audit_entry("request.replay", park_uuid=again.park_uuid, subject=again.replay_of, detail=detail)


async def download(staff: StaffRequest) -> Response:
    """Returns the kept body as received, for users who see plates."""
    if not staff.sees_plates:
        raise PageError(
            403, LocalizedText("正文含车牌；请先显示完整车牌", "the body contains plates; show plates first")
        )
    view = await staff.database(partial(_read, seqno=path_text(staff, "seqno")))
    if view.kept is None:
        raise not_there("没有保留这个请求的正文", "no body of this request is kept")
    headers = {"content-disposition": f'attachment; filename="{view.entry.seqno}.json"'}
    return Response(view.kept, headers=headers, media_type="application/octet-stream")


PAGES: Final = (
    StaffRoute("/requests/{seqno}", show),
    StaffRoute("/requests/{seqno}/body", download),
    StaffRoute("/requests/{seqno}/replay", replay, "POST", role="operator", body_bytes_max=FORM_BYTES_MAX),
)
