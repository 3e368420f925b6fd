"""Schemas of real parking systems, with made-up rows: what is proposed is right, or it is asked about.

A file of `schemas/` has the columns of a table, rows, the column that holds each member, and the codes of its words. Where a
member is not listed, no column holds it.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from vipgate.agent.mapping.guess import Guess, Proposal, propose
from vipgate.protocol.renewal import MEMBERS

FILES: Final = sorted((Path(__file__).parent / "schemas").glob("*.toml"))
Verdict = Literal["right", "asked", "not used", "wrong"]


def verdict(schema: dict[str, Any], proposal: Proposal, member: str) -> Verdict | None:
    """How a member was proposed; None where the schema does not hold it and nothing is proposed."""
    wanted = schema["members"].get(member)
    guess = proposal.members.get(member)
    if guess is None:
        if member in proposal.missing:
            return "asked"
        # A member that is neither required nor money nor time may be left out: its column is listed as not used.
        return "not used" if wanted in proposal.unused else "wrong" if wanted is not None else None
    if guess.doubt:
        return "asked"
    return "right" if guess.column == wanted and _codes_fit(schema, member, guess) else "wrong"


def _codes_fit(schema: dict[str, Any], member: str, guess: Guess) -> bool:
    known = schema.get("codes", {}).get(member, {})
    return all(known.get(word) == code for word, code in (guess.codes or {}).items())


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_nothing_of_a_real_schema_is_proposed_wrong_without_a_question(path: Path) -> None:
    schema = read(path)
    proposal = propose(schema["columns"], schema["rows"], (), schema.get("comments"))
    found = {member: verdict(schema, proposal, member) for member in MEMBERS}
    wrong = {member: proposal.members.get(member) for member, one in found.items() if one == "wrong"}
    assert wrong == {}
    codes = {member: guess.codes for member, guess in proposal.members.items() if guess.codes}
    for member, table in codes.items():
        assert table is None or _codes_fit(schema, member, proposal.members[member]), "a code is never a guess"


# Of the members that the schemas hold: right, asked about, left out and listed as not used, wrong without a question.
FIGURES: Final = {"right": 184, "asked": 188, "not used": 5, "wrong": 0}
SCHEMAS_MIN: Final = 57


def test_figures_of_the_schemas() -> None:
    counts: Counter[Verdict | None] = Counter()
    for path in FILES:
        schema = read(path)
        proposal = propose(schema["columns"], schema["rows"], (), schema.get("comments"))
        counts.update(verdict(schema, proposal, member) for member in schema["members"])
    assert len(FILES) >= SCHEMAS_MIN
    assert counts.total() == sum(FIGURES.values())
    assert counts["wrong"] == FIGURES["wrong"]
    assert counts["right"] >= FIGURES["right"]
    assert counts["not used"] <= FIGURES["not used"]
