"""Asks about one member again, for the column that a person chose for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from vipgate.agent.mapping.guess import UNKNOWN, Guess, Guesser
from vipgate.agent.mapping.guess_columns import LOOSE_RANK, Candidate
from vipgate.agent.mapping.guess_comments import CommentedColumns
from vipgate.i18n import tr


def guess_again(table: Columns, mapped: Mapping[str, str], member: str) -> Guess:
    """Guesses codes, unit and format of `member` by the values of its column, and what has to be asked about them.

    `mapped`: the column of each member, that of `member` among them.
    """
    return _ChosenColumn(table.columns, table.rows, CommentedColumns(table.comments)).guess_again(mapped, member)


class Columns(Protocol):
    """The columns of a source, its first rows, and what the database says of its columns."""

    @property
    def columns(self) -> Sequence[str]: ...  # noqa: D102 - said above

    @property
    def rows(self) -> Sequence[Sequence[object]]: ...  # noqa: D102

    @property
    def comments(self) -> Mapping[str, str]: ...  # noqa: D102


class _ChosenColumn(Guesser):
    def guess_again(self, mapped: Mapping[str, str], member: str) -> Guess:
        known = {name: column for name, column in mapped.items() if column in self._rows}
        self._free = [column for column in self._free if column not in known.values()]
        self._members = {name: self._made(name, column) for name, column in known.items()}
        # The checks below look at the order number, whether one is mapped or not.
        self._members.setdefault("pay_partner", Guess(UNKNOWN))
        # A name says nothing of a column that a person chose: its values must fit.
        if not self._fits(member, Candidate(known[member], LOOSE_RANK, is_sure=False)):
            question = tr("most values do not look like it: is this the column")
            self._members[member] = self._members[member].asked(question, is_open=True)
        doubt = self._comments.doubt(member, known[member])
        if doubt:
            self._members[member] = self._members[member].asked(doubt, is_open=True)
        self._check_order()
        self._check_money()
        self._check_period()
        if "vip_type" in self._members:
            self._check_passes()
            if "quantity" in self._members:
                self._check_quantity()
        return self._members[member]
