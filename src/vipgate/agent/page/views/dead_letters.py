"""Dead letters: rows that the mapping or the platform rejected. Shows, retries, exports and discards them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec
from starlette.responses import Response, StreamingResponse

from vipgate.agent.dead_letters import retry_dead_letters
from vipgate.agent.models import DeadLetter
from vipgate.agent.opening import opened_spool, source_of
from vipgate.agent.page.context import Context
from vipgate.agent.page.jobs import BUSY
from vipgate.agent.page.request import PageRequest
from vipgate.agent.spool import Spool
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import format_instant
from vipgate.support.csv_cells import escape_formula
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FormData

T = TypeVar("T")
LETTERS_A_PAGE: Final = 50
EXPORTED_AT_ONCE: Final = 500
INTEGER_MAX: Final = 10**17
_GONE: Final = LocalizedText(
    "没有这条死信；它可能已经发送或丢弃", "there is no such dead letter; it may have been sent or discarded meanwhile"
)
_COLUMNS: Final = ("number", "at", "place", "pay_partner", "reason", "seqno", "row", "source")


@dataclass(frozen=True, slots=True)
class Retried:
    """The result of a retry."""

    queued: int
    wrong: int


def _in_spool(context: Context, fn: Callable[[Spool], T], otherwise: T) -> T:
    config = context.config()
    if not context.spool_path(config).exists():
        return otherwise
    with opened_spool(config, context.given_spool) as spool:
        return fn(spool)


async def show_all(request: PageRequest) -> Response:
    """Lists the dead letters, LETTERS_A_PAGE at a time."""
    after = request.query.whole("after", 0, INTEGER_MAX) or 0

    def read(spool: Spool) -> tuple[int, list[DeadLetter]]:
        return spool.count_dead_letters(), list(islice(spool.dead_letters(after), LETTERS_A_PAGE + 1))

    nothing: tuple[int, list[DeadLetter]] = (0, [])
    count, letters = await request.run(lambda: _in_spool(request.context, read, nothing))
    more = letters[LETTERS_A_PAGE - 1].number if len(letters) > LETTERS_A_PAGE else None
    return request.page(
        "dead_letters.html", count=count, letters=letters[:LETTERS_A_PAGE], more=more, job=request.context.job
    )


async def show_one(request: PageRequest) -> Response:
    """Shows one: its reason, the columns as read, the row as sent."""
    number = _number(FormData([("number", request.http.path_params["number"])])) or 0
    letter = await request.run(lambda: _in_spool(request.context, lambda spool: spool.dead_letter(number), None))
    if letter is None:
        raise PageError(404, _GONE)
    return request.page(
        "dead_letter.html",
        letter=letter,
        source=_members(letter.source),
        row=_members(letter.row),
        job=request.context.job,
    )


def _members(text: str | bytes | None) -> list[tuple[str, str]]:
    members: dict[str, Any] = {} if text is None else msgspec.json.decode(text)
    return [(name, "" if value is None else str(value)) for name, value in members.items()]


async def retry(request: PageRequest) -> Response:
    """Reads one or all again from the source, as a job: that reads the whole source."""
    context, number = request.context, _number(request.form)

    def work() -> Retried:
        config = context.config()
        with opened_spool(config, context.given_spool) as spool:
            letters = _chosen(spool, number)
            source = source_of(config)
            try:
                return Retried(*retry_dead_letters(config, spool, source, letters))
            finally:
                source.close()

    if not context.job.start("retry", work, context.clock_us):
        raise PageError(409, BUSY)
    return request.go("/dead")


def _number(form: FormData) -> int | None:
    """The letter that the form names; None if it names none, which means all. Raises PageError."""
    number = form.whole("number", 1, INTEGER_MAX)
    if form.errors:
        raise PageError(404, _GONE)
    return number


def _chosen(spool: Spool, number: int | None) -> Sequence[DeadLetter]:
    if number is None:
        return list(spool.dead_letters())
    letter = spool.dead_letter(number)
    if letter is None:
        raise PageError(404, _GONE)
    return [letter]


async def discard(request: PageRequest) -> Response:
    """Asks a second time, then deletes one or all that the question was about."""
    context, number = request.context, _number(request.form)
    until_us = request.form.whole("until", 0, INTEGER_MAX)
    if request.form.errors or until_us is None or not request.form.ticked("sure"):
        return await _ask_again(request, number)
    count = await request.run(lambda: _in_spool(context, lambda spool: _delete(spool, number, until_us), 0))
    return request.go("/dead", "discarded", n=count)


async def _ask_again(request: PageRequest, number: int | None) -> Response:
    """Asks whether to delete; the form says how new the newest letter of the question is."""
    nothing: Sequence[DeadLetter] = ()
    letters = await request.run(lambda: _in_spool(request.context, lambda spool: _chosen(spool, number), nothing))
    until_us = max((letter.at_us for letter in letters), default=0)
    return request.page("discard.html", number=number, count=len(letters), until_us=until_us)


def _delete(spool: Spool, number: int | None, until_us: int) -> int:
    """Deletes the chosen letters that are not newer than `until_us`; returns how many.

    A newer letter was never asked about: it came meanwhile, and may have the number of one that is gone.
    """
    with spool.transaction():
        numbers = [letter.number for letter in _chosen(spool, number) if letter.at_us <= until_us]
        if number is not None and not numbers:
            raise PageError(404, _GONE)
        spool.discard(numbers)
    return len(numbers)


async def export(request: PageRequest) -> Response:
    """Returns the dead letters as a CSV file, EXPORTED_AT_ONCE at a time."""
    context = request.context
    # Before the head is sent: what is wrong with configuration or spool is said on a page.
    first = await request.run(lambda: _letters_behind(context, 0))

    async def parts() -> AsyncIterator[str]:
        # The mark tells spreadsheets that the text is UTF-8.
        yield "\ufeff" + _csv([_COLUMNS])
        letters = first
        while letters:
            yield _csv(map(_cells, letters))
            after = letters[-1].number
            letters = await request.run(partial(_letters_behind, context, after))

    headers = {"content-disposition": 'attachment; filename="dead-letters.csv"'}
    return StreamingResponse(parts(), headers=headers, media_type="text/csv")


def _letters_behind(context: Context, after: int) -> list[DeadLetter]:
    return _in_spool(context, lambda spool: list(islice(spool.dead_letters(after), EXPORTED_AT_ONCE)), [])


def _cells(letter: DeadLetter) -> tuple[object, ...]:
    return (
        letter.number, format_instant(letter.at_us), letter.place, letter.pay_partner, letter.reason, letter.seqno,
        (letter.row or b"").decode(), letter.source or "",
    )  # fmt: skip


def _csv(lines: Iterable[Sequence[object]]) -> str:
    output = io.StringIO(newline="")
    csv.writer(output).writerows([escape_formula(cell) for cell in line] for line in lines)
    return output.getvalue()
