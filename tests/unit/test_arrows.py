"""Imports point down only: the rooms of docs/architecture.md, lowest first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vipgate

SOURCE = Path(vipgate.__file__).parent
FLOORS = [
    ["__init__", "clock", "errors", "metrics", "private"],
    ["masking"],
    ["__init__", "clock", "errors", "logs", "metrics", "watched"],
    [
        "logs",
        "renewal",
        "seqno",
        "sqlfile",
        "vault",
        "restraint",
        "proxies",
        "turns",
        "returns",
        "tokenbucket",
        "eager",
        "hardening",
        "tls",
        "store.__init__",
        "store.staffing",
    ],
    ["bodytext", "orders"],
    ["charset", "nesting"],
    ["rewritten"],
    ["signature"],
    ["quickrow", "hmacsign", "handshakes", "crowd", "intake"],
    ["row"],
    ["wire", "digest", "store.interface"],
    ["stamped", "store.ledger", "store.browsing"],
    ["store.keeping", "store.mentions", "store.work"],
    ["store.columns", "store.replacing", "store.erasing", "store.held"],
    ["store.group", "store.browse_records", "store.postgres_link", "store.staff"],
    [
        "store.sqlite_commit",
        "store.postgres_commit",
        "store.postgres_schema",
        "store.keep",
        "store.parkverbs",
        "store.readverbs",
        "store.browse",
    ],
    ["store.sqlite", "store.postgres", "store.sealing"],
    ["store.sqlite_backup", "store.sqlite_browse", "store.postgres_browse", "store.opening", "store.copying"],
    ["store.tables", "store.desk"],
    ["inside.__init__", "inside.desks", "inside.spec"],
    ["inside.keeper"],
    ["staff.__init__", "staff.privacy", "staff.accounts", "staff.searches", "staff.throttle", "staff.tokens"],
    ["staff.hints"],
    ["members", "standing"],
    ["sample", "health", "outward"],
    ["parks", "commit", "digests", "chargetypes", "replay"],
    ["lines"],
    ["ingest"],
    ["httptypes", "heads"],
    ["uploads"],
    ["rest"],
    ["connection"],
    ["edge"],
    ["gateway"],
    ["api.refusals"],
    ["api.answers", "api.cursors", "api.door", "api.parameters", "api.watch"],
    ["api.asking", "api.questions"],
    ["api.exports", "api.feed", "api.reading"],
    ["api.table"],
    ["api.document"],
    ["api.page"],
    ["api.app"],
    ["api.__init__"],
    [
        "console.__init__",
        "console.texts.__init__",
        "console.addresses",
        "console.forms",
        "console.faults",
        "console.nav",
        "console.charts",
    ],
    [
        "console.texts.common",
        "console.texts.overview",
        "console.texts.parks",
        "console.texts.park",
        "console.texts.accounts",
        "console.texts.records",
        "console.texts.vehicles",
        "console.texts.requests",
        "console.texts.doctor",
        "console.texts.held",
        "console.texts.chargetypes",
        "console.choosing",
        "console.names",
        "console.sheets",
    ],
    ["console.words", "console.days", "console.watch", "console.period", "console.bodies"],
    ["console.context", "console.figures", "console.resending", "console.doctoring"],
    ["console.visit"],
    ["console.guard", "console.showing"],
    ["console.views.__init__"],
    [
        "console.views.session",
        "console.views.overview",
        "console.views.once",
        "console.views.park",
        "console.views.find",
    ],
    ["console.views.parks", "console.views.review", "console.views.account", "console.views.accounts"],
    ["console.views.settings", "console.views.tokens", "console.views.audit", "console.views.erase"],
    [
        "console.views.records",
        "console.views.record",
        "console.views.vehicles",
        "console.views.requests",
        "console.views.request",
        "console.views.doctor",
        "console.views.held",
        "console.views.chargetypes",
    ],
    ["console.routes"],
    ["console.app"],
    ["inside.door", "inside.nights", "inside.readiness", "inside.exposition", "inside.server"],
    ["inside.probes"],
    ["inside.app"],
    ["inside.process"],
    ["settings"],
    ["listening"],
    ["serve"],
    ["workers"],
    ["sheet.__init__", "sheet.bounds", "sheet.frames"],
    ["sheet.reader"],
    ["agent.tomltable"],
    ["agent.answers", "agent.plan", "agent.records", "agent.config", "agent.service"],
    ["agent.client", "agent.convert", "agent.endless", "agent.exact", "agent.sources", "agent.spool", "agent.verify"],
    ["agent.times"],
    [
        "agent.mapping",
        "agent.propose",
        "agent.databases",
        "agent.files",
        "agent.status",
        "agent.stock",
        "agent.__init__",
    ],
    ["agent.excel"],
    ["agent.reading", "agent.metrics", "agent.opening"],
    ["agent.live", "agent.feeding", "agent.copies"],
    ["agent.intake"],
    ["agent.run"],
    ["cli.common", "cli.exposure"],
    ["cli.agent", "cli.desk"],
    [
        "cli.agent_dead",
        "cli.agent_setup",
        "cli.agent_verify",
        "cli.backup",
        "cli.parks",
        "cli.ledger",
        "cli.copying",
        "cli.demo",
        "cli.push",
        "cli.rekey",
        "cli.staff",
        "cli.stocks",
    ],
    ["cli.app"],
    ["cli.__init__"],
    ["__main__", "cli.reference"],
]
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names}
ROOMS = sorted(str(path.relative_to(SOURCE).with_suffix("")).replace("/", ".") for path in SOURCE.rglob("*.py"))


def _imported(room: str) -> Iterator[str]:
    return _named_in((SOURCE / (room.replace(".", "/") + ".py")).read_text(encoding="utf-8"), room)


def _named_in(text: str, room: str) -> Iterator[str]:
    """The rooms that `text` imports, at its head or inside a function, by whatever form of the statement."""
    package = ["vipgate", *room.split(".")[:-1]]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _rooms_of(alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield from _rooms_of(module, alias.name)


def _rooms_of(module: str, name: str | None) -> Iterator[str]:
    """The room `module`, or the one that `name` is in it: `from vipgate import wire` means `wire`."""
    if module != "vipgate" and not module.startswith("vipgate."):
        return
    inner = module.removeprefix("vipgate").removeprefix(".")
    wanted = f"{inner}.{name}".removeprefix(".")
    for room in (wanted, f"{wanted}.__init__", inner, f"{inner}.__init__".removeprefix(".")):
        if room in HEIGHT:
            yield room
            return
    yield wanted


@pytest.mark.parametrize(
    ("text", "room", "rooms"),
    [
        ("from vipgate.wire import decode", "store.sqlite", ["wire"]),
        ("from vipgate import wire", "store.sqlite", ["wire"]),
        ("from vipgate import wire, row", "store.sqlite", ["wire", "row"]),
        ("import vipgate.wire", "store.sqlite", ["wire"]),
        ("import vipgate.wire as w, json", "store.sqlite", ["wire"]),
        ("from ..wire import decode", "store.sqlite", ["wire"]),
        ("from .. import wire", "store.sqlite", ["wire"]),
        ("from .interface import Push", "store.sqlite", ["store.interface"]),
        ("from . import interface", "store.sqlite", ["store.interface"]),
        ("def late():\n    from vipgate.cli import main", "row", ["cli.__init__"]),
        ("from vipgate import __version__", "cli.app", ["__init__"]),
        ("from vipgate.store import sqlite", "wire", ["store.sqlite"]),
        ("from vipgates import wire", "row", []),
    ],
)
def test_no_form_of_import_goes_unseen(text: str, room: str, rooms: list[str]) -> None:
    assert list(_named_in(text, room)) == rooms


def test_every_room_has_its_floor() -> None:
    assert sorted(HEIGHT) == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_import_points_down(room: str) -> None:
    upward = [other for other in _imported(room) if HEIGHT[other] >= HEIGHT[room]]
    assert not upward


# What a room may know at most, however low the other is.
KNOWS = {
    "errors": (),
    "renewal": (),
    "seqno": (),
    "sqlfile": (),
    "clock": (),
    "logs": ("private",),
    "private": (),
    "logs": ("masking",),
    "masking": (),
    "watched": (),
    "metrics": (),
    "vault": ("errors", "private"),
    "signature": ("errors",),
    "vault": ("errors",),
    "rewritten": ("errors", "nesting"),
    "signature": ("errors", "rewritten"),
    "hmacsign": ("errors", "signature"),
    "proxies": ("errors",),
    "crowd": ("errors", "proxies"),
    "hardening": (),
    "tls": ("errors",),
    "bodytext": ("errors",),
    "nesting": ("errors", "bodytext"),
    "orders": ("errors", "renewal"),
    "quickrow": ("renewal", "orders"),
    "row": ("errors", "renewal", "orders", "quickrow"),
    "digest": ("renewal",),
    "stamped": ("errors", "hmacsign", "wire"),
    "charset": ("errors", "bodytext"),
    **{
        room: ("errors", "charset", "renewal", "seqno", "sqlfile", "store.")
        for room in ROOMS
        if room.startswith("store.")
    },
    "wire": ("errors", "renewal", "row", "signature", "hmacsign"),
    **{
        room: ("errors", "private", "renewal", "seqno", "sqlfile", "store.")
        for room in ROOMS
        if room.startswith("store.")
    },
    "wire": ("errors", "bodytext", "charset", "nesting", "renewal", "orders", "row", "signature", "hmacsign"),
    **{room: ("errors", "renewal", "seqno", "sqlfile", "store.") for room in ROOMS if room.startswith("store.")},
        room: ("errors", "renewal", "seqno", "sqlfile", "masking", "store.")
        for room in ROOMS
        if room.startswith("store.")
    },
}


PLATFORM = ("store.", "ingest", "gateway", "commit", "parks", "serve", "workers", "listening", "edge", "connection")


@pytest.mark.parametrize("room", [room for room in ROOMS if room.startswith("agent.")])
def test_agent_knows_nothing_of_the_platform(room: str) -> None:
    assert [other for other in _imported(room) if other.startswith(PLATFORM)] == []


@pytest.mark.parametrize(("room", "known"), KNOWS.items(), ids=KNOWS)
def test_low_room_knows_no_more_than_it_must(room: str, known: tuple[str, ...]) -> None:
    assert [other for other in _imported(room) if not other.startswith(known)] == []


@pytest.mark.parametrize(
    "room",
    [
        "errors",
        "bodytext",
        "charset",
        "nesting",
        "rewritten",
        "renewal",
        "orders",
        "quickrow",
        "row",
        "signature",
        "hmacsign",
        "wire",
        "stamped",
        "digest",
    ],
)
def test_pure_room_asks_neither_clock_nor_disk_nor_network(room: str) -> None:
    text = (SOURCE / f"{room}.py").read_text(encoding="utf-8")
    names = {alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    impure = {"time", "os", "io", "pathlib", "socket", "asyncio", "random", "secrets", "threading", "sqlite3", "httpx"}
    assert not {name.partition(".")[0] for name in names} & impure
