"""Imports point down only: the rooms of docs/architecture.md, lowest first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vipgate

SOURCE = Path(vipgate.__file__).parent
FLOORS = [
    ["__init__", "clock", "errors", "logs"],
    ["renewal", "seqno", "signature", "vault", "store.sqlfile", "store.__init__"],
    ["quickrow"],
    ["row"],
    ["wire", "store.interface"],
    ["store.ledger"],
    ["store.sqlite_commit"],
    ["store.sqlite"],
    ["sample"],
    ["parks", "commit"],
    ["ingest"],
    ["httptypes"],
    ["connection"],
    ["edge"],
    ["gateway"],
    ["settings"],
    ["serve"],
    ["cli.common"],
    ["cli.parks", "cli.ledger", "cli.demo"],
    ["cli.app"],
    ["cli.__init__"],
    ["__main__"],
]
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names}
ROOMS = sorted(str(path.relative_to(SOURCE).with_suffix("")).replace("/", ".") for path in SOURCE.rglob("*.py"))


def _imported(room: str) -> Iterator[str]:
    tree = ast.parse((SOURCE / (room.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module]
        for name in names:
            if name == "vipgate" or name.startswith("vipgate."):
                inner = name.removeprefix("vipgate").removeprefix(".") or "__init__"
                yield inner if inner in HEIGHT else f"{inner}.__init__"


def test_every_room_has_its_floor() -> None:
    assert sorted(HEIGHT) == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_import_points_down(room: str) -> None:
    upward = [other for other in _imported(room) if HEIGHT[other] >= HEIGHT[room]]
    assert not upward


@pytest.mark.parametrize("room", [room for room in ROOMS if room.startswith("store.")])
def test_store_knows_nothing_of_the_wire(room: str) -> None:
    assert not [other for other in _imported(room) if other in ("wire", "row", "ingest", "edge", "gateway", "settings")]
