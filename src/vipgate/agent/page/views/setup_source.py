"""Second step of the set-up: where the park's records are, and in which table. Proposes a mapping for a new source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from vipgate.agent.config import SourceConfig
from vipgate.agent.page.context import Context
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.setup_cache import Kept
from vipgate.agent.page.setup_source_named import database_address, open_unchanged, source_of_document
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.env_file import DATABASE_NAME, write_variable
from vipgate.agent.setup.mapping_rows import setting_of
from vipgate.agent.setup.proposal import put_proposal
from vipgate.agent.setup.source_address import KINDS, SERVERS, SourceAddress, SourceKind, holds_options, read_address
from vipgate.agent.setup.tables import COUNT_S_MAX, COUNTED_ROWS_MAX, FoundTables
from vipgate.errors import VipgateError
from vipgate.support.address_masking import learn
from vipgate.support.web.forms import FormData

# So many names of recognised members fit into a cell.
MEMBERS_SHOWN: Final = 6
# The part of the form that a kind of source fills in.
_PART_OF: Final[Mapping[SourceKind, str]] = {
    "file": "path", "sqlite": "path", "access": "path", "mysql": "server", "mssql": "server", "postgresql": "server",
    "address": "address",
}  # fmt: skip
TEXT_CHARS_MAX: Final = 1_000
QUERY_CHARS_MAX: Final = 20_000
# Fields of the table's form. An error in one of them is shown there, so the tables are shown too.
_OF_TABLE: Final = frozenset({"table", "named", "query"})


async def show(request: PageRequest) -> Response:
    """Shows the source, and the tables of a database."""
    return await _page(request, request.form)


async def _page(request: PageRequest, form: FormData, status: int = 200) -> Response:
    context = request.context
    document = ConfigDocument(context.config_path)
    source = await request.run(lambda: source_of_document(document, context.config_path))
    again = request.query.ticked("again")
    tables: Kept[FoundTables] | None = None
    trouble = ""
    if source.database is not None and form.errors.keys() <= _OF_TABLE:
        try:
            tables = await request.run(lambda: context.setup.tables(source, context.config_path, again=again))
        except VipgateError as error:
            trouble = request.masked(error)
    url = await request.run(lambda: database_address(document, context.config_path))
    address = read_address("" if source.file is None else str(source.file), url)
    return request.page(
        "setup_source.html", status=status, form=form, source=source, tables=tables.value if tables else None,
        members_shown=MEMBERS_SHOWN,
        read_us=tables.at_us if tables else None, trouble=trouble, kinds=KINDS,
        counted_max=COUNTED_ROWS_MAX, count_s_max=int(COUNT_S_MAX),
        address=replace(address, password=""), has_password=bool(address.password),
        has_address=bool(address.address), part_of=_PART_OF,
    )  # fmt: skip


async def save(request: PageRequest) -> Response:
    """Stores the source's place. For a file, proposes the mapping at once."""
    context, form, path = request.context, request.form, request.context.config_path
    before = read_address("", await request.run(lambda: database_address(ConfigDocument(path), path)))
    address = _read_form(form, before)
    if form.errors:
        return await _page(request, form, 422)
    document = ConfigDocument(path)
    if address.kind == "file":
        changes = document.get("source", "file") != address.path
        document.set("source", {"file": address.path, "database": None, "table": None, "query": None})
    else:
        changes = address.url != before.url or document.get("source", "database") is None
        document.set("source", {"file": None, "database": _stored(context, address)})
    if changes:
        document.set("source", {"cursor": None, "key": None, "table": None, "query": None})
    document.save()
    if address.kind == "file":
        return await _propose(request, source_of_document(document, path), is_new=changes)
    forgot = before.password and address.kind in SERVERS and not address.password
    return request.go("/setup/source", again=1, forgot=1 if forgot else None)


def _read_form(form: FormData, before: SourceAddress) -> SourceAddress:
    kind = next((one for one in KINDS if one == form.choice("kind", KINDS)), KINDS[0])
    needs_path = kind in ("file", "sqlite", "access")
    path = form.text("path", TEXT_CHARS_MAX, needed=needs_path)
    server = form.text("server", TEXT_CHARS_MAX, needed=kind in SERVERS)
    database = form.text("database", TEXT_CHARS_MAX, needed=kind in SERVERS)
    address = form.text("address", TEXT_CHARS_MAX)
    if kind == "address" and not (address or before.kind == "address"):
        form.fault("address", "必填", "required")
    user, port = form.text("user", TEXT_CHARS_MAX), form.whole("port", 1, 65_535)
    # An empty field keeps the password, but only for the same user of the same server program.
    is_same = (before.kind, before.server, before.port, before.user) == (kind, server, port, user)
    password = form.raw("password")[:TEXT_CHARS_MAX] or (before.password if is_same else "")
    if kind == "access" and holds_options(path):
        # The path is shown, and kept where others may read it.
        form.fault(
            "path",
            "路径中不能有分号；有密码时请选择“其他：完整的数据库地址”",
            "no semicolon: with a password choose “Other: a whole database address”",
        )
    if kind not in SERVERS and form.raw("password"):
        form.fault(
            "password",
            "密码只用于数据库服务器；请清空，或选择“其他：完整的数据库地址”并写入地址",
            "only for a database server: empty it, or choose “Other: a whole database address” and write it there",
        )
    if form.errors:
        return SourceAddress()
    return SourceAddress(
        kind=kind, path=path, server=server, port=port, database=database, user=user, password=password,
        address=address or before.address,
    )  # fmt: skip


def _stored(context: Context, address: SourceAddress) -> str:
    """What the configuration says: the address itself, or where it is if it may hold a password."""
    learn(address.url)
    if address.kind in ("sqlite", "access"):
        return address.url
    write_variable(context.config_path, DATABASE_NAME, address.url)
    return f"env:{DATABASE_NAME}"


async def choose_table(request: PageRequest) -> Response:
    """Stores the table or query, and proposes the mapping of a new one."""
    context, form = request.context, request.form
    document = ConfigDocument(context.config_path)
    query = form.get("query")[:QUERY_CHARS_MAX]
    table = form.text("named", TEXT_CHARS_MAX) or form.text("table", TEXT_CHARS_MAX)
    if not query and not table:
        form.fault("table", "请选择一张表，或填写表名或查询", "choose or name a table, or write a query")
        return await _page(request, form, 422)
    wanted = {"table": None, "query": query} if query else {"table": table, "query": None}
    changes = any(document.get("source", key) != value for key, value in wanted.items())
    document.set("source", wanted)
    document.save()
    return await _propose(request, source_of_document(document, context.config_path), is_new=changes)


async def _propose(request: PageRequest, source: SourceConfig, *, is_new: bool) -> Response:
    """Reads the first rows; writes the proposed mapping for a new source, and leaves an old one as it is.

    A mapping of which the source has all columns stays: a query in place of its table, for example.
    """
    context = request.context
    try:
        samples = (await request.run(lambda: context.setup.samples(source, context.config_path, again=True))).value
    except VipgateError as error:
        request.form.fault("path" if source.file else "table", request.masked(error), request.masked(error))
        return await _page(request, request.form, 422)
    proposal = await request.run(lambda: context.setup.proposal(samples))
    document = open_unchanged(context.config_path, source)
    keeps = bool(document.table("map")) and _columns_of(document) <= set(samples.columns)
    if is_new and not keeps:
        document.set("source", {"cursor": None, "key": None})
    if not document.table("map") or (is_new and not keeps):
        put_proposal(document, source, proposal)
    if document.get("log", "file") is None:
        # A task of Windows has no console that would keep what is logged.
        document.set("log", {"file": f"{context.config_path.stem}.log"})
    if document.get("source", "time_zone") is None:
        document.set("source", {"time_zone": source.time_zone})
    document.save()
    return request.go("/setup/mapping", "kept" if is_new and keeps else "")


def _columns_of(document: ConfigDocument) -> set[str]:
    """The columns that mapping, filters, key and cursor name."""
    found = {
        str(setting["column"]) for one in document.table("map").values() if "column" in (setting := setting_of(one))
    }
    found |= {str(one.get("column")) for one in document.filters()}
    for key in ("key", "cursor"):
        names = document.get("source", key)
        for name in [names] if isinstance(names, str) else names or []:
            found.update([name] if isinstance(name, str) else name)
    return found
