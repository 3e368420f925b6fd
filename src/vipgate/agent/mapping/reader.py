"""Turns source rows into wire rows: maps them, checks them against the contract, separates invalid ones."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

import msgspec

from vipgate.agent.config import Config
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.mapping.rounded_orders import ROUNDED, RoundedOrders
from vipgate.agent.mapping.values import Value, display
from vipgate.agent.models import OutboxRow, Rejection
from vipgate.agent.sources.base import CursorValue, SourceRow, is_newer, row_id, shown_place
from vipgate.errors import FieldError, UsageError
from vipgate.i18n import Language, LocalizedText, current_language, tr
from vipgate.protocol.batch import ROWS_MAX, parse_rows
from vipgate.protocol.renewal import Renewal

_encode = msgspec.json.Encoder().encode


class Page(msgspec.Struct):
    """Rows of the source. `renewals` and `cursors` are those of `ready`, in the same order.

    `passed`: the places of rows that need no dead letter of their own: they can be sent, or a newer row of the record counts.
    `doubtful`: places and order numbers of rows that can be sent, though their numbers may have been rounded.
    `left_out`: how many rows a filter excludes; `merged`: how many stand behind another row of the same order number.
    `unjudged`: how many of those left out have a value that no filter names, by column and value. `left_orders`: order number
    and `row_id` of those left out. `replaced`: order numbers of which another row counts, though its plate is another one: with
    the places of both.
    """

    ready: list[OutboxRow]
    renewals: list[Renewal]
    dead: list[Rejection]
    cursors: list[CursorValue | None] = []
    passed: list[str] = []
    doubtful: list[tuple[str, str]] = []
    left_out: int = 0
    merged: int = 0
    unjudged: dict[tuple[str, str], int] = {}
    left_orders: list[tuple[str, bytes]] = []
    replaced: list[tuple[str, str, str]] = []

    def identities(self) -> list[str]:
        """The order numbers, and the places of rows without one."""
        return [row.pay_partner for row in self.ready] + [dead.identity for dead in self.dead]

    def without(self, keys: Container[str]) -> Page:
        """The page without the rows of these records."""
        if not keys:
            return self
        good = [place for place, row in enumerate(self.ready) if row.pay_partner not in keys]
        return Page(
            [self.ready[place] for place in good],
            [self.renewals[place] for place in good],
            [dead for dead in self.dead if dead.identity not in keys],
            [self.cursors[place] for place in good],
            self.passed,
            self.doubtful,
            self.left_out,
            self.merged,
            self.unjudged,
            self.left_orders,
            self.replaced,
        )


def _parse(rows: Sequence[bytes]) -> Iterator[Renewal | list[FieldError]]:
    """Parses encoded rows, as many at once as a request may hold. Returns the record of each, or its errors."""
    for start in range(0, len(rows), ROWS_MAX):
        array = b"[" + b",".join(rows[start : start + ROWS_MAX]) + b"]"
        yield from parse_rows(array, array)


class Reader:
    """The mapping of one configuration, bound to the columns of its source.

    Reasons are written in `language`, by default the current one.
    """

    def __init__(self, config: Config, columns: Sequence[str], language: Language | None = None) -> None:
        zone = ZoneInfo(config.source.time_zone)
        self._columns = columns
        self._language = language
        self._map = Mapper(config.members, config.filters, zone, columns)
        order = config.members["pay_partner"]
        self._map_key = Mapper({"pay_partner": order}, (), zone, columns)
        # In a database a number is what the park's own program knows it by.
        self._is_judged = config.source.file is not None and order.column is not None and not order.exact
        self._order_column = order.column or ""
        self._rounded = RoundedOrders()

    def start_scan(self) -> None:
        """Forgets what the last reading of the source has shown of all its rows."""
        self._rounded = RoundedOrders()

    def check(self, columns: Sequence[str]) -> None:
        """Raises UsageError if the columns of a reopened source have changed."""
        if list(columns) != list(self._columns):
            raise UsageError(
                tr(
                    "The source's columns have changed while it was read; start again.\nbefore: {before}\nnow:    {now}",
                    before=", ".join(self._columns),
                    now=", ".join(columns),
                )
            )

    def read(self, rows: Iterable[SourceRow]) -> Page:
        """Splits `rows` into sendable and invalid ones.

        Of several rows of one record the newest by the cursor is kept. If the cursor does not show which that is, the first
        that can be sent is kept, and each other one with different content is invalid.
        """
        kept: dict[str, _Kept] = {}
        several: dict[str, list[_Kept]] = {}
        conflicts: list[Rejection] = []
        passed: list[str] = []
        replaced: list[tuple[str, str, str]] = []
        found, doubtful, left_out = self._mapped(rows)
        mapped = [(row, _encode(one) if isinstance(one, dict) else one) for row, one in found]
        parsed = _parse([encoded for _, encoded in mapped if isinstance(encoded, bytes)])
        for row, encoded in mapped:
            renewal = next(parsed) if isinstance(encoded, bytes) else encoded
            if isinstance(renewal, Renewal):
                ready = OutboxRow(renewal.pay_partner, encoded, row.place, 0, row_id(row))  # type: ignore[arg-type]
                one = _Kept(renewal.pay_partner, row, ready, renewal)
            else:
                dead = self._dead(row, renewal)
                one = _Kept(dead.identity, row, dead, None)
            first = kept.setdefault(one.identity, one)
            if first is not one:
                several.setdefault(one.identity, [first]).append(one)
        for identity, rivals in several.items():
            newest = _newest(rivals)
            # A refund, which cannot be sent, must not take the sale with it.
            winner = kept[identity] = next((one for one in newest if one.renewal is not None), newest[0])
            losers = [one for one in newest if one.result.hash != winner.result.hash]
            conflicts += [self._conflict(one, winner.row.place) for one in losers]
            wrong = {one.row.place for one in (winner, *losers)}
            others = [one for one in rivals if one.row.place not in wrong]
            passed += [one.row.place for one in others]
            replaced += [
                (identity, winner.row.place, one.row.place) for one in others if _is_of_other_plate(one, winner)
            ]
        good = [one for one in kept.values() if one.renewal is not None]
        merged = len(mapped) - len(kept) - len(conflicts)
        return Page(
            [one.result for one in good],  # type: ignore[misc]
            [one.renewal for one in good],  # type: ignore[misc]
            [one.result for one in kept.values() if isinstance(one.result, Rejection)] + conflicts,
            [one.row.cursor for one in good],
            passed,
            doubtful,
            len(left_out),
            merged,
            self._map.take_unjudged(),
            [one for one in left_out if one is not None],
            replaced,
        )

    def _mapped(
        self, rows: Iterable[SourceRow]
    ) -> tuple[
        list[tuple[SourceRow, dict[str, Value] | list[FieldError]]],
        list[tuple[str, str]],
        list[tuple[str, bytes] | None],
    ]:
        """The members of each row or its errors; rows with a doubtful order number; those that a filter excludes.

        Of these, order number and `row_id`; None where there is no order number.
        """
        left_out: list[tuple[str, bytes] | None] = []
        mapped: list[tuple[SourceRow, dict[str, Value] | list[FieldError]]] = []
        for row in rows:
            found = [FieldError("", row.problem, None)] if row.problem is not None else self._map(row.values)
            if found is not None:
                mapped.append((row, found))
            else:
                order = self._key_of(row)
                left_out.append(None if order is None else (order, row_id(row)))
        if not self._is_judged:
            return mapped, [], left_out
        orders = [str(one.get("pay_partner", "")) if isinstance(one, dict) else "" for _, one in mapped]
        self._rounded.judge(orders)
        if self._rounded.is_known:
            for place, order in enumerate(orders):
                if self._rounded.is_rounded(order):
                    mapped[place] = mapped[place][0], [FieldError(self._order_column, ROUNDED, order)]
        elif self._rounded.is_doubtful:
            doubtful = [
                (row.place, order)
                for (row, _), order in zip(mapped, orders, strict=True)
                if self._rounded.is_rounded(order)
            ]
            return mapped, doubtful, left_out
        return mapped, [], left_out

    def rows_of(self, rows: Iterable[SourceRow], keys: Container[str]) -> list[SourceRow]:
        """The rows with one of these order numbers, those without one by their place."""
        return [row for row in rows if (self._key_of(row) or row.place) in keys]

    def _conflict(self, one: _Kept, other: str) -> Rejection:
        """Makes the dead letter of a row: another row has the same order number and different content."""
        reason = conflict_reason(one.identity, other).text(self._language)
        own = f"{self._separator}{one.result.reason}" if isinstance(one.result, Rejection) else ""
        place = one.row.place
        return Rejection(
            place, one.identity, place, _storable(reason) + own, source=self._source(one.row), row_id=row_id(one.row)
        )  # fmt: skip

    def _dead(self, row: SourceRow, faults: Sequence[FieldError]) -> Rejection:
        pay_partner = self._key_of(row)
        # An error of the whole row has no place; that of a member begins with a dot: `.plate`.
        texts = [fault.text(self._language).removeprefix(": ").removeprefix(".") for fault in faults]
        reason = _storable(self._separator.join(texts))
        identity = pay_partner or row.place
        return Rejection(identity, pay_partner, row.place, reason, source=self._source(row), row_id=row_id(row))

    @property
    def _separator(self) -> str:
        return "；" if (self._language or current_language()) == "zh" else "; "

    def _key_of(self, row: SourceRow) -> str | None:
        key = self._map_key(row.values) if row.problem is None else None
        if type(key) is not dict or "pay_partner" not in key:
            return None
        order = str(key["pay_partner"]).strip()
        # What several orders may have become by rounding identifies none of them.
        is_rounded = self._is_judged and self._rounded.is_known and self._rounded.is_rounded(order)
        return None if is_rounded else order or None

    def _source(self, row: SourceRow) -> str:
        """The columns as read, as JSON."""
        return _encode({name: _shown(value) for name, value in zip(self._columns, row.values, strict=False)}).decode()


def conflict_reason(pay_partner: str, other: str) -> LocalizedText:
    """Why a row is not sent: the row at `other` has the same order number and different content."""
    return LocalizedText(
        f"订单号 {pay_partner} 另有一行内容不同: {shown_place(other, 'zh')}；无法判断以哪行为准，本行未发送；"
        "请更正订单号，或删除多余的一行",
        f"order number {pay_partner} is also that of {other}, with different content; which of them counts is unknown, "
        "this one was not sent; fix the order number, or delete the row that is too much",
    )


class _Kept(msgspec.Struct, gc=False):
    """A row and its renewal, which is None if the row is invalid."""

    identity: str
    row: SourceRow
    result: OutboxRow | Rejection
    renewal: Renewal | None


def _newest(rows: Sequence[_Kept]) -> list[_Kept]:
    """The newest rows, in their order: those with the greatest cursor, and those without a cursor."""
    best: list[_Kept] = []
    for one in rows:
        newer = is_newer(one.row.cursor, best[0].row.cursor) if best else None
        if newer and one.row.cursor is not None:
            best = [one]
        elif newer is None and one.row.cursor is not None:
            best.append(one)
    places = set(map(id, best))
    return [one for one in rows if one.row.cursor is None or id(one) in places]


def _is_of_other_plate(one: _Kept, other: _Kept) -> bool:
    return one.renewal is not None and other.renewal is not None and one.renewal.plate != other.renewal.plate


def _shown(value: object) -> str | int | float | None:
    if value is None or isinstance(value, int | float):
        return value
    return _storable(display(value))


def _storable(text: str) -> str:
    """Replaces lone surrogates, which cannot be stored."""
    return text.encode("utf-8", "replace").decode()
