"""Third step of the set-up: which column is which member, what its values mean, and what is still open."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from vipgate.agent.mapping.guess import CODED, Guess
from vipgate.agent.mapping.guess_again import guess_again
from vipgate.agent.mapping.purchases import add_purchases, quantity_check
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.page.checked import Checked
from vipgate.agent.page.context import Context
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.setup_source_named import open_unchanged, source_of_document
from vipgate.agent.setup.document import QUESTION, ConfigDocument
from vipgate.agent.setup.mapping_rows import (
    NOTHING_MET,
    NOTHING_SENT,
    MemberRow,
    SentRow,
    StatusRow,
    filterable,
    find_column,
    member_rows,
    setting_of,
    setting_of_guess,
    status_rows,
    unused_columns,
)
from vipgate.agent.setup.proposal import put_proposal
from vipgate.agent.setup.samples import Samples
from vipgate.agent.sources.base import SourceRow
from vipgate.errors import VipgateError
from vipgate.protocol.renewal import MEMBERS
from vipgate.protocol.row import REQUIRED
from vipgate.support.web.forms import FormData

NO_COLUMN: Final = ""
CONSTANT: Final = "="
TEXT_CHARS_MAX: Final = 100
PLACE_DIGITS_MAX: Final = 5
# Members by which the quantity is judged.
_TELL_QUANTITY: Final = ("vip_type", "quantity", "renewal_start_time", "renewal_end_time")


async def show(request: PageRequest) -> Response:
    """Shows the mapping."""
    return await _page(request, request.form)


async def _page(request: PageRequest, form: FormData, status: int = 200) -> Response:
    context = request.context
    document = ConfigDocument(context.config_path)
    source = source_of_document(document, context.config_path)
    if source.file is None and (source.database is None or not (source.table or source.query)):
        return request.go("/setup/source")
    again = request.query.ticked("again")
    try:
        kept = await request.run(lambda: context.setup.samples(source, context.config_path, again=again))
    except VipgateError as error:
        return request.page("setup_unread.html", status=409, reason=request.masked(error), step="mapping")
    samples = kept.value
    proposal = await request.run(lambda: context.setup.proposal(samples))
    is_proposed = not document.table("map")
    if is_proposed:
        # Of a table that was written by hand. Nothing is stored before a person has saved it.
        put_proposal(document, source, proposal)
    page, trouble = (None, "") if is_proposed else await request.run(lambda: _mapped(context, samples))
    rows = member_rows(document, samples, _first_sent(page, samples))
    statuses = status_rows(document, samples, proposal, _places([request.query.get("filter")]), _met(context))
    shown = {one.place for one in statuses}
    lacking = [row for row in rows if row.is_lacking]
    has_cursor = source.file is not None or document.get("source", "cursor") is not None
    return request.page(
        "setup_mapping.html", status=status, form=form, rows=rows, columns=samples.columns, statuses=statuses,
        unused=unused_columns(document, samples, statuses), page=page,
        trouble="" if lacking else request.masked(trouble), lacking=lacking, sampled=len(samples.rows),
        problems=samples.problems, open=sum(bool(row.question) for row in rows) + sum(one.is_asked for one in statuses),
        others=[(place, samples.columns[place]) for place in filterable(samples) if place not in shown],
        cursor_note="" if has_cursor else proposal.cursor_note, has_cursor=has_cursor,
        has_key=samples.has_key, key=document.get("source", "key"),
        is_proposed=is_proposed, read_us=kept.at_us, comments=samples.comments,
    )  # fmt: skip


def _met(context: Context) -> Mapping[tuple[str, str], int]:
    """The values that no filter names and that the last check has met, beyond the first rows."""
    result = context.job.result
    counts = result.counts if isinstance(result, Checked) else None
    return NOTHING_MET if counts is None else counts.unjudged


def _mapped(context: Context, samples: Samples) -> tuple[Page | None, str]:
    """Maps the samples by the configuration as it is; or says what the configuration lacks."""
    try:
        reader = Reader(context.config(), samples.columns)
    except VipgateError as error:
        return None, str(error)
    rows = (SourceRow(f"#{number}", row) for number, row in enumerate(samples.rows, 1))
    return reader.read(rows), ""


def _first_sent(page: Page | None, samples: Samples) -> SentRow:
    """The first record that can be sent, with the row that it was made from."""
    if page is None or not page.ready:
        return NOTHING_SENT
    first = page.ready[0]
    return SentRow(msgspec.json.decode(first.row), samples.rows[int(first.place.removeprefix("#")) - 1])


def _places(texts: Sequence[str]) -> list[int]:
    """The places of columns that a form or a link names."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= PLACE_DIGITS_MAX]


async def save(request: PageRequest) -> Response:
    """Stores the mapping. A question is answered by its tick, or by another setting."""
    context, form = request.context, request.form
    source = source_of_document(ConfigDocument(context.config_path), context.config_path)
    samples = (await request.run(lambda: context.setup.samples(source, context.config_path))).value
    proposal = await request.run(lambda: context.setup.proposal(samples))
    document = open_unchanged(context.config_path, source)
    if not document.table("map"):
        put_proposal(document, source, proposal)
    before = {row.name: row for row in member_rows(document, samples)}
    settings = _read_settings(form, before, samples)
    if form.errors:
        return await _page(request, form, 422)
    asked = _ask_again(before, settings, samples)
    for name in asked:
        settings[name] = setting_of_guess(asked[name])
    document.set("map", {name: _shortest(one) for name, one in settings.items() if one != before[name].setting})
    for name, guess in asked.items():
        if guess.doubt:
            document.ask("map", name, guess.doubt.removeprefix(QUESTION))
    for name, row in before.items():
        if form.ticked(f"ok.{name}") and name not in asked:
            _answer(document, row)
    statuses = status_rows(document, samples, proposal, _places(form.all("filtering")), _met(context))
    answered = [one.column for one in statuses if _choose_rows(document, one, form)]
    shown = status_rows(document, samples, proposal)
    document.keep_notes_true(answered, [one.column for one in unused_columns(document, samples, shown)])
    document.save()
    changed = {name for name, one in settings.items() if one != before[name].setting}
    await request.run(lambda: _ask_about_quantity(context, document, samples, changed, form))
    more = form.get("filter_by")
    if _places([more]):
        return request.go("/setup/mapping", "saved", filter=more)
    return request.go("/setup/preview" if form.ticked("next") else "/setup/mapping", "saved")


def _read_settings(
    form: FormData, before: Mapping[str, MemberRow], samples: Samples
) -> dict[str, dict[str, Any] | None]:
    """The setting of each member of the form; None for one that is not sent."""
    settings: dict[str, dict[str, Any] | None] = {}
    for name in MEMBERS:
        if f"column.{name}" not in form.values:
            continue
        setting = _read_member(form, before[name], samples)
        if setting is None and name in REQUIRED:
            form.fault(
                f"column.{name}",
                "接口要求此字段；请选择一列或填写固定值",
                "the interface wants it: choose a column or a constant",
            )
        settings[name] = setting
    return settings


def _shortest(setting: dict[str, Any] | None) -> object:
    """A setting as it is written: a column without more is its name."""
    return setting["column"] if setting is not None and set(setting) == {"column"} else setting


def _ask_again(
    before: Mapping[str, MemberRow], settings: Mapping[str, dict[str, Any] | None], samples: Samples
) -> dict[str, Guess]:
    """What the values say of each column that was chosen just now."""
    places = {name: find_column(samples.columns, (one or {}).get("column")) for name, one in settings.items()}
    mapped = {name: samples.columns[place] for name, place in places.items() if place >= 0}
    chosen = {name for name in mapped if places[name] != before[name].place}
    asked = {name: guess_again(samples, mapped, name) for name in chosen}
    # What is asked about the money depends on the order number: an old question would stay.
    if "pay_partner" in chosen and "pay_value" in mapped and "pay_value" not in chosen and before["pay_value"].question:
        asked["pay_value"] = guess_again(samples, mapped, "pay_value")
    return asked


def _ask_about_quantity(
    context: Context, document: ConfigDocument, samples: Samples, changed: Container[str], form: FormData
) -> None:
    """Asks what the quantity counts, by the records as they would be sent now, if that may have changed."""
    if form.ticked("ok.quantity") or not any(name in changed for name in _TELL_QUANTITY):
        return
    column = setting_of(document.table("map").get("quantity")).get("column")
    page, _ = _mapped(context, samples)
    if page is None or column is None:
        return
    check = quantity_check(str(column))
    add_purchases(check, page.renewals)
    doubt = check.doubt()
    if doubt is not None and not document.question("map", "quantity"):
        document.ask("map", "quantity", doubt.question)
        document.save()


def _answer(document: ConfigDocument, row: MemberRow) -> None:
    """Removes a question that was ticked."""
    if row.setting:
        document.answer("map", row.name)
    else:
        document.answer_alone(row.name)


def _read_member(form: FormData, before: MemberRow, samples: Samples) -> dict[str, Any] | None:
    """The setting that the form says; None for a member that is not sent."""
    name, chosen = before.name, form.get(f"column.{before.name}")
    if chosen == NO_COLUMN:
        return None
    if chosen == CONSTANT:
        text = form.text(f"constant.{name}", TEXT_CHARS_MAX)
        if not text:
            is_list = name in CODED
            form.fault(
                f"constant.{name}",
                "请选择固定值" if is_list else "请填写固定值",
                "choose the constant" if is_list else "write the constant",
            )
        return {"constant": _scalar(name, text)}
    is_number = chosen.isascii() and chosen.isdigit() and len(chosen) <= PLACE_DIGITS_MAX
    place = int(chosen) if is_number else len(samples.columns)
    if place >= len(samples.columns):
        form.fault(f"column.{name}", "请选择其中一项", "choose one of these")
        return {}
    is_same = place == before.place
    made: dict[str, Any] = {**before.setting} if is_same else {"column": samples.columns[place]}
    if not is_same:
        # Its codes, unit and form are made again from its values.
        return made
    if name in CODED:
        _put(made, "codes", _read_codes(form, before) or _confirmed_codes(form, before) or None)
    for key, allowed in (("unit", before.units), ("format", ()), ("end_of_day", ()), ("exact", ()), ("default", ())):
        if f"{key}.{name}" in form.values:
            _put(made, key, _option(form, key, name, allowed))
    return made


def _option(form: FormData, key: str, name: str, allowed: Sequence[str]) -> object:
    text = form.text(f"{key}.{name}", TEXT_CHARS_MAX)
    if key in ("end_of_day", "exact"):
        return {"true": True, "false": False}.get(text)
    if key == "unit":
        return text if text in allowed else None
    return _scalar(name, text) if text and key == "default" else text or None


def _put(setting: dict[str, Any], key: str, value: object) -> None:
    if value is None:
        setting.pop(key, None)
    else:
        setting[key] = value


def _scalar(name: str, text: str) -> str | int:
    """Codes and counts are numbers on the wire."""
    is_number = name in CODED or name in ("quantity", "pay_value")
    return int(text) if is_number and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() else text


def _read_codes(form: FormData, before: MemberRow) -> dict[str, Any]:
    """The code of each listed value, and the codes of values that are not listed.

    Numbers that were sent as they are keep their meaning once another value gets a code.
    """
    codes = before.setting.get("codes")
    made: dict[str, Any] = dict(codes) if isinstance(codes, dict) else {}
    for row in before.codes:
        field = f"code.{before.name}.{row.field}"
        if field not in form.values:
            continue
        chosen = form.get(field)
        if chosen in map(str, before.allowed_codes):
            made[row.value] = int(chosen)
        else:
            made.pop(row.value, None)
    if made and not isinstance(codes, dict):
        made |= {row.value: int(row.as_is) for row in before.codes if row.as_is and row.value not in made}
    return made


def _confirmed_codes(form: FormData, before: MemberRow) -> dict[str, int]:
    """The codes of numbers that a person has just called the interface's: what occurs later is refused, not guessed."""
    is_confirmed = bool(before.question) and form.ticked(f"ok.{before.name}")
    if not is_confirmed or "codes" in before.setting or before.more_codes:
        return {}
    return {row.value: int(row.as_is) for row in before.codes if row.as_is}


def _choose_rows(document: ConfigDocument, status: StatusRow, form: FormData) -> bool:
    """Sends only rows with the ticked values, every row if all or none are ticked. Returns whether a person has decided.

    A filter of which nothing was changed stays as it is, unless a listed value is not judged yet: it may name values that the
    rows looked at do not have.
    """
    if str(status.place) not in form.all("filtering"):
        return False
    chosen = form.all(f"filter.{status.place}")
    listed = [value for value, _ in status.values]
    kept = [value for value in listed if value in chosen]
    before = [value for value in sorted(status.sent or ()) if value not in listed]
    is_all = len(kept) in (0, len(listed))
    is_confirmed = form.ticked(f"ok.filter.{status.place}")
    both = status.refused and status.sent
    is_judged = not both or all(value in status.refused or value in (status.sent or ()) for value in listed)
    if kept and tuple(kept) == status.ticked and not is_confirmed and is_judged:
        return not is_all
    refused = [*(value for value in listed if value not in kept), *sorted(status.refused.difference(listed))]
    document.set_filter(status.column, [] if is_all else [*kept, *before], refused)
    return not is_all or is_confirmed
