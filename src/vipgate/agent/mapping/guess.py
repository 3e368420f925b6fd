"""Guesses a mapping from column names and sample values. Pure.

Nothing is guessed in silence: whatever names and values leave open gets a question, and unused columns are listed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vipgate.agent.config_map import END_MEMBER, TIME_MEMBERS
from vipgate.agent.mapping.guess_codes import meaning
from vipgate.agent.mapping.guess_columns import (
    MEMBERS_IN_ORDER,
    PLAIN_MONEY_RANK,
    Candidate,
    is_id,
    is_kind,
    is_months,
    is_plain_id,
    is_row_count,
    rivals,
)
from vipgate.agent.mapping.guess_comments import CommentedColumns
from vipgate.agent.mapping.guess_cursor import CursorGuess, guess_cursor
from vipgate.agent.mapping.guess_evidence import (
    Purchase,
    QuantityCheck,
    find_period,
    is_row_reference,
    rival_amounts,
    unfit_passes,
    unique_columns,
)
from vipgate.agent.mapping.guess_statuses import Status, find_statuses
from vipgate.agent.mapping.guess_times import end_guess, have_no_time, instants, is_short, is_time, time_form
from vipgate.agent.mapping.guess_unit import guess_unit
from vipgate.agent.mapping.guess_values import is_number, is_plate, most, text_of
from vipgate.agent.mapping.rounded_orders import RoundedOrders
from vipgate.agent.mapping.values import is_absent, is_no_value
from vipgate.errors import truncate
from vipgate.i18n import current_language, tr, translatable
from vipgate.protocol.order_number import is_no_order
from vipgate.protocol.row import PAY_TYPES, PLATE_COLORS, REQUIRED, VIP_TYPES
from vipgate.support.sheet.cells import BadCell

CODES_MAX: Final = 30
UNKNOWN: Final = "?"
CODED: Final = {"plate_color": PLATE_COLORS, "vip_type": VIP_TYPES, "pay_type": PAY_TYPES}
# Money and times are never left out in silence.
_ASKED: Final = ("pay_value", *TIME_MEMBERS)
# The most likely values if there is no such column, and the question. Only an unknown colour is no assertion.
CONSTANTS: Final[Mapping[str, tuple[str | int, str]]] = {
    "plate_color": (-1, translatable("no column found: -1 is unknown")),
    "vip_type": (1, translatable("no column found: is every pass a month card (1)")),
    "quantity": (1, translatable("no column found: is every renewal one of a single month, quarter or year")),
    "pay_type": (1, translatable("no column found: was every one paid in cash (1)")),
    "charge_type": ("DEFAULT", translatable("no column found: write the id of the charge type that every pass has")),
}
# Where so many members have the interface's names, its codes are meant too.
_OWN_LAYOUT_MIN: Final = 5


@dataclass(frozen=True, slots=True)
class Guess:
    """One line of [map]. `doubt` is a question for the reviewer; while it is open, an answer must not be assumed."""

    column: str | None = None
    constant: str | int | None = None
    codes: Mapping[str, str | int] | None = None
    unit: str | None = None
    format: str | None = None
    end_of_day: bool | None = None
    exact: bool | None = None
    default: str | int | None = None
    doubt: str = ""
    is_open: bool = False

    def asked(self, question: str, *, is_open: bool = False) -> Guess:
        """The guess with one more question."""
        separator = "；" if current_language() == "zh" else "; "
        doubt = f"{self.doubt}{separator}{question}" if self.doubt else f"? {question}"
        return replace(self, doubt=doubt, is_open=self.is_open or is_open)

    def or_is_it(self, columns: Sequence[str], *, is_open: bool = True) -> Guess:
        """The guess with a question that names other columns, if there are some."""
        if not columns:
            return self
        return self.asked(tr("or is it {columns}", columns=", ".join(columns[:5])), is_open=is_open)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping with its questions, the columns that it does not use, and a cursor if one is known to work."""

    members: Mapping[str, Guess]
    cursor: tuple[str, str] | None = None
    cursor_note: str = ""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statuses: tuple[Status, ...] = ()
    unused: tuple[str, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)


def propose(
    columns: Sequence[str],
    samples: Sequence[Sequence[object]],
    key: Sequence[str] = (),
    comments: Mapping[str, str] | None = None,
    *,
    exact: bool = False,
) -> Proposal:
    """Returns the most likely mapping of `columns`, judged by names, sample rows and the database's comments.

    `key`: the table's unique columns. `exact`: no order number was rounded.
    """
    commented = CommentedColumns(comments or {})
    cursor = guess_cursor(columns, samples, key, commented.second_names(columns))
    return Guesser(columns, samples, commented, exact=exact).propose(cursor)


class Guesser:
    """Guesses the members of one table, and asks about what its values contradict."""

    def __init__(
        self,
        columns: Sequence[str],
        samples: Sequence[Sequence[object]],
        comments: CommentedColumns,
        *,
        exact: bool = False,
    ) -> None:
        self._comments = comments
        self._is_exact = exact
        self._rows = {name: [row[at] if at < len(row) else None for row in samples] for at, name in enumerate(columns)}
        self._values = {
            name: [
                value for value in rows if not (is_absent(value) or is_no_value(value) or isinstance(value, BadCell))
            ]
            for name, rows in self._rows.items()
        }
        self._free = list(columns)
        self._members: dict[str, Guess] = {}
        self._rejected: dict[str, list[str]] = {}
        self._is_own_layout = len(REQUIRED.intersection(columns)) >= _OWN_LAYOUT_MIN

    def propose(self, cursor: CursorGuess) -> Proposal:
        """Returns the whole mapping."""
        for member in MEMBERS_IN_ORDER:
            found = self._guess(member)
            if found is not None:
                self._members[member] = found
                if found.column in self._free:
                    self._free.remove(found.column)
        self._find_order()
        self._check_order()
        self._check_money()
        self._find_period()
        self._check_period()
        self._find_rival_amounts()
        self._check_passes()
        self._check_quantity()
        statuses = tuple(find_statuses(self._free, self._values, self._comments))
        missing = {name: tuple(self._rejected.get(name, ())) for name in _ASKED if name not in self._members}
        listed = {one.column for one in statuses}
        unused = tuple(name for name in self._free if name not in listed)
        comments = self._comments.comments
        return Proposal(self._members, cursor.columns, cursor.note, missing, statuses, unused, comments)

    def _guess(self, member: str) -> Guess | None:
        possible = self._comments.candidates(member, self._free)
        ranked = [one for one in possible if self._fits(member, one)]
        self._rejected[member] = [one.column for one in possible if one not in ranked]
        if not ranked:
            return self._without(member)
        if member in CODED:
            ranked.sort(key=lambda one: (one.rank > 0, -self._known_codes(member, one.column), one.rank))
        best = ranked[0]
        guess = self._made(member, best.column)
        others = rivals(member, ranked)
        if not best.is_sure and not (member in ("vip_type", "pay_type") and self._all_codes_known(member, best.column)):
            guess = guess.asked(tr(_UNSURE.get(member, _IS_COLUMN)), is_open=True)
        if others:
            # A rival of the same rank may as well be the one; a lower one is named.
            is_tie = any(one.rank == best.rank for one in ranked[1:])
            guess = guess.or_is_it(others, is_open=is_tie)
        doubt = self._comments.doubt(member, best.column)
        return guess.asked(doubt, is_open=True) if doubt else guess

    def _fits(self, member: str, one: Candidate) -> bool:
        """Whether the values of a column can be those of `member`."""
        values = self._values[one.column]
        if not values or one.rank == 0:
            return True
        texts = [text_of(value) for value in values]
        # Some cells of a real column hold an error or a note: their rows are refused, the column is still the one.
        if member == "pay_value":
            is_flag = set(texts) <= {"0", "1"} and one.rank != PLAIN_MONEY_RANK
            return not is_flag and (any if one.is_sure else most)(map(is_number, texts))
        if member == "plate":
            return most(not text.isdigit() if one.is_sure else is_plate(text) for text in texts)
        if member == "quantity":
            return most(re.fullmatch(r"\d{1,4}(?:\.0+)?", text) is not None for text in texts)
        if member in TIME_MEMBERS:
            return is_time(values) or (one.is_sure and not all(is_number(text) for text in texts))
        if member == "plate_color" and not one.is_sure:
            return all(is_number(text) for text in texts) or any(meaning(member, text) is not None for text in texts)
        return True

    def _made(self, member: str, name: str) -> Guess:
        values = self._values[name]
        if member in CODED:
            return self._coded(member, name)
        if member in TIME_MEMBERS:
            form = time_form(values)
            guess = Guess(name, format=form.format)
            return guess.asked(form.doubt, is_open=form.is_open) if form.doubt else guess
        if member == "pay_value":
            unit, doubt, is_open = guess_unit(name, values, self._comments.unit(name))
            guess = Guess(name, unit=unit)
            return guess.asked(doubt, is_open=is_open) if doubt else guess
        if member == "card_id" and not self._is_own_layout and is_row_reference(name, values):
            return Guess(name).asked(
                tr("is it what the card bears, or the number of its row in another table"), is_open=True
            )
        if member == "plate" and any(re.search(r"[,;、，；|/]", text_of(value)) for value in values):
            return Guess(name).asked(tr("some cells hold several plates"), is_open=False)
        return Guess(name)

    def _coded(self, member: str, name: str) -> Guess:
        """Maps words to codes; numbers are assumed to be the interface's codes, to be confirmed by a person."""
        texts = list(dict.fromkeys(text_of(value) for value in self._values[name]))
        default = -1 if member == "plate_color" else None
        if not texts:
            return Guess(name).asked(tr("no value seen"))
        told = self._comments.codes(member, name, texts)
        if told and any(str(code) != text for text, code in told.items()):
            return self._told_codes(name, texts, told, default)
        if all(re.fullmatch(r"-?\d+", text) for text in texts):
            if self._is_own_layout and all(int(text) in CODED[member] for text in texts):
                return Guess(name)
            shown = ", ".join(texts[:5])
            return Guess(name).asked(
                tr("the values are numbers ({shown}): are they the interface's codes", shown=shown), is_open=True
            )
        codes = {text: code for text in texts[:CODES_MAX] if (code := meaning(member, text)) is not None}
        unknown = [truncate(text) for text in texts if text not in codes]
        guess = Guess(name, codes=codes, default=default if unknown else None)
        return guess.asked(tr("not known: {values}", values=", ".join(unknown[:5]))) if unknown else guess

    def _told_codes(self, name: str, texts: Sequence[str], told: Mapping[str, int], default: int | None) -> Guess:
        """Maps values to codes by the words that the column's comment has for them, to be confirmed by a person."""
        unknown = self._comments.explained(name, [text for text in texts if text not in told])
        guess = Guess(name, codes=told, default=default if unknown else None).asked(
            tr("codes by the column's comment ({comment}): are they right", comment=self._comments.comments[name]),
            is_open=True,
        )
        return guess.asked(tr("not known: {values}", values=", ".join(unknown[:5]))) if unknown else guess

    def _known_codes(self, member: str, name: str) -> int:
        texts = [text_of(value) for value in self._values[name]]
        return sum(meaning(member, self._comments.word(name, text) or text) is not None for text in texts)

    def _all_codes_known(self, member: str, name: str) -> bool:
        return bool(self._values[name]) and self._known_codes(member, name) == len(self._values[name])

    def _without(self, member: str) -> Guess | None:
        if member in CONSTANTS:
            guess = Guess(constant=CONSTANTS[member][0]).asked(
                tr(CONSTANTS[member][1]), is_open=member != "plate_color"
            )
            return guess.or_is_it(self._rejected[member], is_open=False)
        return Guess(UNKNOWN).asked(tr("no column found: the interface wants it")) if member in REQUIRED else None

    def _find_order(self) -> None:
        """Proposes the row's number if there is no order number. Runs last, so that it takes no other member's column."""
        if self._members["pay_partner"].column != UNKNOWN:
            return
        ids = [name for name in self._free if self._comments.says(is_id, name) and self._is_unique(name)]
        ids.sort(key=lambda name: not is_plain_id(name))
        others = [name for name in unique_columns(self._rows, self._free) if name not in ids]
        if ids or others:
            name, *rest = (*ids[:1], *others)
            guess = Guess(name).asked(
                tr("no order number found: is this one never given out again"),
                is_open=not ids or self._counts_rows(name),
            )
            self._members["pay_partner"] = guess.or_is_it(rest)
            self._free.remove(name)

    def _counts_rows(self, name: str) -> bool:
        """Whether a column may count the rows of this export alone: another export would have the same numbers."""
        return is_row_count(name) or [text_of(value) for value in self._rows[name]] == [
            str(number) for number in range(1, len(self._rows[name]) + 1)
        ]

    def _is_unique(self, name: str) -> bool:
        texts = [text_of(value) for value in self._rows[name]]
        return len(set(texts)) == len(texts)

    def _check_order(self) -> None:
        guess = self._members["pay_partner"]
        if guess.column not in self._rows:
            return
        texts = [text_of(value) for value in self._rows[guess.column]]
        none = sum(not text or is_no_order(text) for text in texts)
        most = Counter(text for text in texts if text and not is_no_order(text)).most_common(1)
        if none:
            guess = guess.asked(tr("{count} of {total} rows have no order number in it", count=none, total=len(texts)))
        if most and most[0][1] > 1:
            shared, count = most[0]
            guess = guess.asked(
                tr("{count} rows share {value}: is it one of each sale", count=count, value=truncate(shared))
            )
        if self._is_exact:
            self._members["pay_partner"] = replace(guess, exact=True)
            return
        rounded = RoundedOrders()
        rounded.judge(texts)
        if rounded.is_known or rounded.is_doubtful:
            guess = guess.asked(
                tr(
                    "long numbers look rounded: were they, by a spreadsheet or a program (if not: exact = true, or push --exact)"
                ),
                is_open=True,
            )
        self._members["pay_partner"] = guess

    def _check_money(self) -> None:
        """Asks whether an amount is a payment if there is no order number: the table may hold tariffs."""
        guess, order = self._members.get("pay_value"), self._members["pay_partner"].column or ""
        if (
            guess is None
            or guess.doubt
            or any(one.is_sure for one in self._comments.candidates("pay_partner", [order]))
        ):
            return
        # A column that a person chose need not have a name that says so.
        named = self._comments.candidates("pay_value", [guess.column or ""])
        if not named or named[0].rank >= PLAIN_MONEY_RANK:
            self._members["pay_value"] = guess.asked(tr("no order number: is each row a payment, and this its money"))

    def _find_rival_amounts(self) -> None:
        """Names the columns that may as well be the money: a name that was never seen may be that of what was paid."""
        guess = self._members.get("pay_value")
        if guess is None or guess.column is None:
            return
        others = {name: self._rows[name] for name in self._free if not self._comments.candidates("pay_value", [name])}
        # A name that says that the money was paid, or is the total, is likelier than one that says nothing.
        is_open = self._comments.candidates("pay_value", [guess.column])[0].rank >= PLAIN_MONEY_RANK
        self._members["pay_value"] = guess.or_is_it(rival_amounts(self._rows[guess.column], others), is_open=is_open)

    def _find_period(self) -> None:
        """Proposes columns of times for a start or an end that no name tells."""
        start, end = (self._column(name) for name in ("renewal_start_time", END_MEMBER))
        found = None if start and end else find_period(start, end, self._rows, self._free)
        if found is None:
            return
        for member, name in (("renewal_start_time", found.start), (END_MEMBER, found.end)):
            if member not in self._members:
                guess = self._made(member, name).asked(tr("no name tells it: is this the column"), is_open=True)
                self._members[member] = guess.or_is_it(found.others)
                self._free.remove(name)

    def _column(self, member: str) -> str | None:
        guess = self._members.get(member)
        return None if guess is None else guess.column

    def _check_passes(self) -> None:
        """Asks whether the pass is that of the sale, where money or period contradict it."""
        guess = self._members["vip_type"]
        if guess.column is None:
            return
        money, end = (self._rows.get(self._column(name) or "") for name in ("pay_value", END_MEMBER))
        question = unfit_passes(self._kinds(guess), money, end)
        if question:
            kind_columns = [name for name in self._free if self._comments.says(is_kind, name)]
            self._members["vip_type"] = guess.asked(question, is_open=True).or_is_it(kind_columns)

    def _kinds(self, passes: Guess) -> list[str | int | None]:
        """The interface's code of each row's pass."""
        if passes.column is None:
            return [passes.constant] * len(next(iter(self._rows.values()), ()))
        codes = {str(code): code for code in VIP_TYPES} if passes.codes is None else passes.codes
        return [codes.get(text_of(value)) for value in self._rows[passes.column]]

    def _check_quantity(self) -> None:
        """Asks what is counted, where the quantity does not fit the pass and its period."""
        guess = self._members["quantity"]
        if guess.column is None:
            return
        kinds, quantities = self._kinds(self._members["vip_type"]), self._rows[guess.column]
        none: list[int | None] = [None] * len(quantities)
        starts, ends = (self._instants(name) or none for name in ("renewal_start_time", END_MEMBER))
        check = QuantityCheck(counts_months=self._comments.says(is_months, guess.column))
        for one in zip(kinds, quantities, starts, ends, strict=True):
            check.add(Purchase(*one))
        doubt = check.doubt()
        if doubt is not None:
            self._members["quantity"] = guess.asked(doubt.question, is_open=doubt.is_open)

    def _check_period(self) -> None:
        """Asks what a midnight at the end of a period means, and whether the periods are those of passes."""
        end = self._members.get(END_MEMBER)
        if end is None or end.column is None:
            return
        rows = self._rows[end.column]
        paid = self._members.get("pay_time")
        if (
            "renewal_start_time" not in self._members
            and paid is not None
            and any(have_no_time(self._rows[paid.column or ""], paid.format))
        ):
            self._members["pay_time"] = paid.asked(tr("or is it the start of the period"), is_open=True)
        starts = self._instants("renewal_start_time") or self._instants("pay_time") or [None] * len(rows)
        if is_short(starts, instants(rows, end.format)):
            for member in ("renewal_start_time", END_MEMBER):
                guess = self._members.get(member)
                if guess is not None:
                    self._members[member] = guess.asked(
                        tr("too short for a pass: is it the period that was paid"), is_open=True
                    )
            return
        found = end_guess(rows, end.format, self._instants("renewal_start_time") or [None] * len(rows))
        if found is None and any(have_no_time(rows, end.format)):
            self._members[END_MEMBER] = end.asked(
                tr("ends without a time: the end of that day (end_of_day = false: its beginning)")
            )
        if found is not None:
            end = replace(end, end_of_day=found.end_of_day).asked(found.doubt, is_open=found.is_open)
            self._members[END_MEMBER] = end

    def _instants(self, member: str) -> list[int | None]:
        guess = self._members.get(member)
        return [] if guess is None or guess.column is None else instants(self._rows[guess.column], guess.format)


_IS_COLUMN: Final = translatable("is this the column")
_UNSURE: Final[Mapping[str, str]] = {
    "plate_color": translatable("the colour of the plate, or of the car"),
    "pay_value": translatable("is this the money that was paid"),
    "pay_time": translatable("is this the time of the payment"),
    "operator": translatable("the operator, or the owner of the car"),
}
