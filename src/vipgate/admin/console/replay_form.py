"""Assembles the body of a replay: the submitted text, or the kept body with corrected rows. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from vipgate.admin.console.request_body import (
    Body,
    Row,
    Unreadable,
    as_text,
    hide_row,
    kept_rows,
    read_body,
    read_row,
    restore,
    restore_row,
    still_hidden,
    write_body,
)
from vipgate.domain.hint_masking import PLAIN_MEMBERS
from vipgate.protocol.charset import Charset
from vipgate.support.web.forms import FormData

ROWS_EDITED_MAX: Final = 20
_ROW = re.compile(r"row\[(\d{1,5})\]")
_FIELD = re.compile(r"row-(\d{1,5})").fullmatch


def rows_named(hint: str) -> list[int]:
    """Returns the row numbers at the start of a hint's lines, each once, ROWS_EDITED_MAX at most."""
    found = (_ROW.match(line) for line in hint.splitlines())
    return list(dict.fromkeys(int(one[1]) for one in found if one is not None))[:ROWS_EDITED_MAX]


def assemble(form: FormData, kept: bytes, charset: Charset) -> bytes | None:
    """Returns the body to send, in UTF-8; None with an error added to the form. `charset` is that of `kept`.

    The field `body` replaces the whole body; without it, each field `row-N` replaces a row of `kept`.
    """
    try:
        before = read_body(as_text(kept, charset))
    except Unreadable:
        before = None
    if "body" in form.values:
        return _whole(form, before)
    if before is None:
        form.fault("body", "保留的正文无法按行读取", "the kept body cannot be read row by row")
        return None
    corrected = _with_form_rows(form, before)
    return None if form.errors else write_body(corrected)


def types_hidden_values(form: FormData, kept: bytes, charset: Charset) -> bool:
    """Whether a row of the form has a value that pages mask in another form than the masked one that the page shows.

    Even one that the kept row holds: to take that and no other would tell somebody who sees masked plates which guess is right.
    """
    try:
        before = read_body(as_text(kept, charset))
        if "body" in form.values:
            edited = read_body(form.raw("body"))
            pairs = list(zip(edited.rows, kept_rows(edited, before), strict=True))
        else:
            places = {name: int(found[1]) for name in form.values if (found := _FIELD(name)) is not None}
            rows = before.rows
            pairs = [(read_row(form.raw(name)), rows[at]) for name, at in places.items() if at < len(rows)]
    except Unreadable:
        return True
    return any(_types_hidden(row, kept_row) for row, kept_row in pairs)


def _types_hidden(row: Row, kept_row: Row | None) -> bool:
    shown = None if kept_row is None else hide_row(kept_row)
    if not isinstance(row, Mapping) or not isinstance(shown, Mapping):
        return True
    return any(bytes(raw) != bytes(shown.get(name, b"")) for name, raw in row.items() if name not in PLAIN_MEMBERS)


def _whole(form: FormData, before: Body | None) -> bytes | None:
    text = form.raw("body")
    if before is None:
        return text.encode("utf-8", "replace")
    try:
        edited = restore(read_body(text), before)
    except Unreadable as unreadable:
        form.fault("body", unreadable.words.zh, unreadable.words.en)
        return None
    if form.ticked("hidden") and _has_hidden(form, "body", edited, before):
        return None
    return write_body(edited)


def _with_form_rows(form: FormData, before: Body) -> Body:
    """Returns the kept body with the form's rows in their places."""
    rows = list(before.rows)
    for name in list(form.values):
        found = _FIELD(name)
        if found is None or int(found[1]) >= len(rows):
            continue
        place = int(found[1])
        try:
            rows[place] = restore_row(read_row(form.raw(name)), rows[place])
        except Unreadable as unreadable:
            form.fault(name, unreadable.words.zh, unreadable.words.en)
    corrected = replace(before, rows=tuple(rows))
    if form.ticked("hidden") and not form.errors:
        _has_hidden(form, "body", corrected, before)
    return corrected


def _has_hidden(form: FormData, name: str, edited: Body, before: Body) -> bool:
    """Whether a masked value was edited and so cannot be restored; adds the error then."""
    came_so = set(still_hidden(before.rows))
    places = [place for place in still_hidden(edited.rows) if place not in came_so]
    if places:
        listed = ", ".join(places[:5])
        form.fault(
            name,
            f"{listed}: 隐藏的内容被改动过，无法还原；请写完整的值，或不改动它",
            f"{listed}: was changed while hidden; write the whole value, or leave it as it was shown",
        )
    return bool(places)
