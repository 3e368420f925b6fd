"""What a person sees of a mapping: for each member its column, why, samples, codes and what would be sent. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from zlib import crc32

from vipgate.agent.config_map import END_MEMBER, TIME_MEMBERS, UNITS, as_compared
from vipgate.agent.mapping.guess import CODED, CODES_MAX, UNKNOWN, Guess, Proposal
from vipgate.agent.mapping.guess_values import text_of
from vipgate.agent.mapping.rounded_orders import RoundedOrders
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.samples import Samples
from vipgate.agent.toml_reader import is_scalar
from vipgate.errors import truncate
from vipgate.protocol.renewal import MEMBERS
from vipgate.protocol.row import REQUIRED

SHOWN_VALUES: Final = 3
FILTER_VALUES_MAX: Final = 20
VALUES_MAX: Final = CODES_MAX
NO_VALUE: Final = ""
NOTHING_MET: Final[Mapping[tuple[str, str], int]] = {}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A value of a column with codes, how often it occurs among the samples, and the code that it has.

    `as_is`: the code that is sent without a code of its own: the value itself, or the default; empty if the row is refused.
    """

    value: str
    count: int
    code: str
    as_is: str = ""

    @property
    def field(self) -> int:
        """Names the value in a form. Its place in the list would not do: the list is sorted by what is sent."""
        return crc32(self.value.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member of the wire. `place` is the column's place, -1 without one; `setting` is what the configuration says.

    `may_be_rounded`: order numbers of a file that a spreadsheet may have rounded; `exact` says that it did not.
    """

    name: str
    setting: Mapping[str, Any]
    place: int
    question: str
    values: tuple[str, ...]
    codes: tuple[CodeRow, ...]
    more_codes: int
    sent: str = ""
    may_be_rounded: bool = False

    @property
    def is_lacking(self) -> bool:
        """Whether the interface wants it and no column or constant is chosen."""
        return self.is_required and (not self.setting or self.setting.get("column") == UNKNOWN)

    @property
    def is_required(self) -> bool:
        """Whether the interface wants it."""
        return self.name in REQUIRED

    @property
    def is_time(self) -> bool:
        """Whether it is a time, which may have a form."""
        return self.name in TIME_MEMBERS

    @property
    def is_end(self) -> bool:
        """Whether it is the end of the period."""
        return self.name == END_MEMBER

    @property
    def units(self) -> tuple[str, ...]:
        """The units that an amount may have."""
        return UNITS.get(self.name, ())

    @property
    def allowed_codes(self) -> tuple[int, ...]:
        """The codes of the interface, for a member that has some."""
        return CODED.get(self.name, ())


@dataclass(frozen=True, slots=True)
class SentRow:
    """The first record as it would be sent, by member, and the row that it was made from."""

    members: Mapping[str, Any]
    values: Sequence[object]


NOTHING_SENT: Final = SentRow({}, ())


def member_rows(document: ConfigDocument, samples: Samples, sent: SentRow = NOTHING_SENT) -> list[MemberRow]:
    """The members in the order of the wire, the values of the row that is sent first."""
    mapping = document.table("map")
    asked = {one.name: one.text for one in document.questions() if one.kind == "member"}
    return [_row(document, samples, name, setting_of(mapping.get(name)), asked.get(name, ""), sent) for name in MEMBERS]


def setting_of(value: object) -> dict[str, Any]:
    """A member's setting as a table, also where it is only a column's name."""
    if isinstance(value, str):
        return {"column": value}
    return dict(value) if isinstance(value, Mapping) else {}


def setting_of_guess(guess: Guess) -> dict[str, Any]:
    """The setting that says what was guessed for a column."""
    codes = None if guess.codes is None else dict(guess.codes)
    made = {
        "column": guess.column, "codes": codes or None, "unit": guess.unit, "format": guess.format,
        "default": guess.default, "end_of_day": guess.end_of_day,
    }  # fmt: skip
    return {key: value for key, value in made.items() if value is not None}


def _row(
    document: ConfigDocument, samples: Samples, name: str, setting: dict[str, Any], question: str, sent: SentRow
) -> MemberRow:
    place = find_column(samples.columns, setting.get("column"))
    counts = _counts(samples, place)
    own = text_of(sent.values[place]).strip() if 0 <= place < len(sent.values) else ""
    # The value of the row that is sent comes first: the two are compared.
    ordered = sorted(counts.most_common(), key=lambda one: one[0] != own)
    listed = ordered[:VALUES_MAX] if name in CODED else []
    return MemberRow(
        name=name,
        setting=setting,
        place=place,
        question=question,
        values=tuple(truncate(value) for value, _ in ordered[:SHOWN_VALUES]),
        codes=tuple(_code_row(name, setting, value, count) for value, count in listed),
        more_codes=max(0, len(counts) - len(listed)) if name in CODED else 0,
        sent=str(sent.members.get(name, "")),
        may_be_rounded=name == "pay_partner"
        and document.get("source", "file") is not None
        and ("exact" in setting or _may_be_rounded(counts)),
    )


def _code_row(name: str, setting: Mapping[str, Any], value: str, count: int) -> CodeRow:
    codes = setting.get("codes")
    if not isinstance(codes, dict):
        return CodeRow(value, count, "", value if value in map(str, CODED[name]) else "")
    return CodeRow(value, count, str(codes.get(value, "")), str(setting.get("default", "")))


def _may_be_rounded(orders: Iterable[str]) -> bool:
    rounded = RoundedOrders()
    rounded.judge(orders)
    return rounded.is_known or rounded.is_doubtful


def find_column(columns: Sequence[str], name: object) -> int:
    """The place of a column, whatever the case of its name; -1 if there is none."""
    folded = [column.strip().casefold() for column in columns]
    wanted = str(name).strip().casefold()
    return folded.index(wanted) if name is not None and wanted in folded else -1


def _counts(samples: Samples, place: int) -> Counter[str]:
    if place < 0:
        return Counter()
    texts = (text_of(row[place]).strip() for row in samples.rows if place < len(row))
    return Counter(text for text in texts if text)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A column that tells sales from other rows: its place, its values and how often they occur, and those that are sent.

    NO_VALUE stands for rows without one. `refused`: values that were judged and are not sent; `is_asked`: nobody has said yet
    which values are those of paid renewals.
    """

    place: int
    column: str
    values: tuple[tuple[str, int], ...]
    sent: frozenset[str] | None
    is_asked: bool
    refused: frozenset[str] = frozenset()

    @property
    def ticked(self) -> tuple[str, ...]:
        """The listed values of rows that are sent."""
        return tuple(
            value for value, _ in self.values if value not in self.refused and (self.sent is None or value in self.sent)
        )

    @property
    def unlisted(self) -> tuple[str, ...]:
        """The values that the filter names and no listed row has."""
        listed = {value for value, _ in self.values} | {""}
        return tuple(sorted((self.refused | (self.sent or frozenset())) - listed))


def status_rows(
    document: ConfigDocument,
    samples: Samples,
    proposal: Proposal,
    chosen: Iterable[int] = (),
    met: Mapping[tuple[str, str], int] = NOTHING_MET,
) -> list[StatusRow]:
    """The columns that a person should look at, those that have a filter, and those at the `chosen` places.

    `met`: values beyond the first rows, by column and value, and how often they occur.
    """
    filters = {str(one.get("column")): one for one in document.filters()}
    asked = [one.name for one in document.questions() if one.kind == "filter"]
    allowed = set(filterable(samples))
    more = [samples.columns[place] for place in chosen if place in allowed]
    names = dict.fromkeys([*filters, *asked, *(one.column for one in proposal.statuses), *more])
    found = []
    for name in names:
        place = find_column(samples.columns, name)
        counts = _counts(samples, place)
        empty = len(samples.rows) - counts.total()
        for (column, value), count in met.items():
            if column == name and value not in counts:
                counts[value] = count
        values = (*counts.most_common(VALUES_MAX), *([(NO_VALUE, empty)] if empty and NO_VALUE not in counts else []))
        sent, refused = (_texts(filters.get(name, {}).get(key)) for key in ("in", "not_in"))
        if place >= 0 and values:
            found.append(StatusRow(place, name, values, sent, name in asked, refused or frozenset()))
    return found


def _texts(values: object) -> frozenset[str] | None:
    """The values of a list of the configuration, as the texts of cells."""
    if not isinstance(values, list):
        return None
    # What no filter may have is refused when the configuration is loaded.
    return frozenset(as_compared(one) if isinstance(one, bool) or is_scalar(one) else str(one) for one in values)


def filterable(samples: Samples) -> list[int]:
    """The places of the columns with few values, by which rows may be chosen."""
    return [place for place in range(len(samples.columns)) if 0 < len(_counts(samples, place)) <= FILTER_VALUES_MAX]


@dataclass(frozen=True, slots=True)
class UnusedColumn:
    """A column that is not sent, and its first values."""

    column: str
    values: tuple[str, ...]


def unused_columns(document: ConfigDocument, samples: Samples, shown: Iterable[StatusRow]) -> list[UnusedColumn]:
    """The columns that neither the mapping nor `shown` names."""
    named = [setting_of(value).get("column") for value in document.table("map").values()]
    used = {*(find_column(samples.columns, name) for name in named), *(one.place for one in shown)}
    return [
        UnusedColumn(column, tuple(truncate(value) for value in islice(_counts(samples, place), SHOWN_VALUES)))
        for place, column in enumerate(samples.columns)
        if place not in used
    ]
