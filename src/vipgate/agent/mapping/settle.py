"""Makes a proposal safe to use where no person answers its questions: what is open is not sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from vipgate.agent.mapping.guess import CODED, CONSTANTS, Guess, Proposal
from vipgate.agent.mapping.guess_codes import is_bad_note, is_bad_status, is_good_status
from vipgate.agent.mapping.guess_columns import is_note, is_status
from vipgate.agent.mapping.guess_statuses import Status
from vipgate.agent.mapping.guess_values import text_of
from vipgate.errors import UsageError
from vipgate.i18n import LocalizedText, tr
from vipgate.protocol.row import REQUIRED

_is_integer: Final = re.compile(r"-?\d{1,9}", re.ASCII).fullmatch


class Settled(NamedTuple):
    """The mapping that may be used, and what is not sent because of open questions."""

    proposal: Proposal
    notes: list[str]


def settle(proposal: Proposal) -> Settled:
    """Leaves out optional members with an open question; rows without a sure code are refused one by one.

    Raises UsageError for a required member that cannot be left out.
    """
    members: dict[str, Guess] = {}
    notes: list[str] = []
    faults: list[str] = []
    for member, guess in proposal.members.items():
        if not guess.is_open:
            members[member] = guess
        elif guess.column is None and guess.constant is not None:
            faults.append(
                tr("{member} ({doubt}?): say it by --constant {member}=…", member=member, doubt=_doubt(guess))
            )
        elif member == "plate_color":
            members[member] = Guess(constant=-1)
            notes.append(tr("{member}: sent as -1, unknown ({doubt}?)", member=member, doubt=_doubt(guess)))
        elif member in CODED:
            members[member] = replace(guess, codes=guess.codes or {})
            notes.append(
                tr("{member}: rows without a known code are refused ({doubt}?)", member=member, doubt=_doubt(guess))
            )
        elif member in REQUIRED:
            faults.append(tr("{member} = {column} ({doubt}?)", member=member, column=guess.column, doubt=_doubt(guess)))
        else:
            notes.append(tr("{member}: left out ({doubt}?)", member=member, doubt=_doubt(guess)))
    if faults:
        raise UsageError(
            "\n".join(
                [*faults, tr("--yes answers no question about what a row needs: run without it, or rename the column.")]
            )
        )
    return Settled(replace(proposal, members=members), notes)


def with_constants(proposal: Proposal, constants: Mapping[str, str]) -> Proposal:
    """The proposal with constants that a person gives in place of what was guessed."""
    members = dict(proposal.members)
    unused = list(proposal.unused)
    for member, text in constants.items():
        column = members[member].column
        unused += [] if column is None else [column]
        members[member] = Guess(constant=text if member == "charge_type" or not _is_integer(text) else int(text))
    return replace(proposal, members=members, unused=tuple(unused))


def read_constants(texts: Sequence[str]) -> dict[str, str]:
    """Reads texts like `vip_type=1`. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts:
        member, _, value = (part.strip() for part in text.partition("="))
        if member not in CONSTANTS or not value or member in found:
            raise UsageError(
                tr(
                    "--constant {text}: must be MEMBER=VALUE, each member once, of {members}.",
                    text=text,
                    members=", ".join(CONSTANTS),
                )
            )
        found[member] = value
    return found


def _doubt(guess: Guess) -> str:
    return guess.doubt.removeprefix("? ")


class SaleCheck:
    """Says which rows are no sales, by the columns that are not used: a status must call a row a sale, a note must not deny it."""

    def __init__(self, columns: Sequence[str], proposal: Proposal | None) -> None:
        """`proposal`: that by which the rows are mapped; None if a person has agreed to it."""
        places = {name: place for place, name in enumerate(columns)}
        statuses = () if proposal is None else proposal.statuses
        notes = () if proposal is None else filter(is_note, (*proposal.unused, *(one.column for one in statuses)))
        self._notes = [(places[name], name) for name in notes]
        self._statuses = [
            (places[one.column], one.column, _is_sale_of(one))
            for one in statuses
            if not is_note(one.column) and (is_status(one.column) or any(map(is_bad_status, one.values)))
        ]

    def __call__(self, values: Sequence[object]) -> LocalizedText | None:
        """Why the row is not sent; None for a sale."""
        for place, column, is_sale in self._statuses:
            text = text_of(values[place]) if place < len(values) else ""
            if not is_sale(text):
                return LocalizedText(
                    f"{column}: {text!r} 未说明这是已支付的续费；请删去不该发送的行和此列",
                    f"{column}: {text!r} does not say that this is a paid renewal; remove the rows that are none, and the column",
                )
        for place, column in self._notes:
            text = text_of(values[place]) if place < len(values) else ""
            if text and is_bad_note(text):
                return LocalizedText(
                    f"{column}: {text!r} 表示这不是已支付的续费；请删去不该发送的行，或删去此列",
                    f"{column}: {text!r} says that this is no paid renewal; remove the rows that are none, or the column",
                )
        return None


def _is_sale_of(status: Status) -> Callable[[str], bool]:
    """Whether a value of the column calls its row a sale."""
    if not is_status(status.column):
        # Its words, not its name, tell that it is a status: a blank says nothing.
        return lambda text: not text or is_good_status(text)
    # A value that all rows share, such as `deleted` = 0, is that of sales; any other one must say so.
    only = status.values[0] if len(status.values) == 1 and not is_bad_status(status.values[0]) else None
    return lambda text: text == only or is_good_status(text)
