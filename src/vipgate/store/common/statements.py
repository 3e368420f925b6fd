"""Loads an engine's SQL. Where it names a record's columns, they follow from the fields of Renewal.

| in the SQL | stands for |
|---|---|
| `{record}`, `{r.record}` | all columns, those of the table `r` |
| `{record types}` | each with its type, for `json_to_recordset` |
| `{record ?}`, `{record = ?}` | a parameter for each |
| `{record = excluded}` | what an upsert writes: all but the key |

`{personal}` stands for the columns that erasure empties; `{personal = NULL}` empties them. Any other `{name}` is a fragment:
a part that several statements share (common/sql/fragments.sql). In statements of both engines INDEXED BY is for SQLite alone.
For PostgreSQL alone are FOR UPDATE, because SQLite locks the whole file, and `AND r.revision > 0` and `AND r.plate > ''`: they
are always true, and enable the indexes that are partial on them.
"""

from __future__ import annotations

import re
from typing import Final

from vipgate.protocol.renewal import PERSONAL, Renewal
from vipgate.support.sql_files import load_fragments, load_statements

_COLUMNS: Final = {"record": Renewal.__struct_fields__, "personal": PERSONAL}
_KEY: Final = "pay_partner"
_FRAGMENT: Final = re.compile(r"\{(?!record\b|personal\b)(\w+)\}")
_LIST: Final = re.compile(r"\{(?:(\w+)\.)?(record|personal)(?: (types|\?|= \?|= NULL|= excluded))?\}")
_OTHER_DIALECT: Final = {
    "sqlite": re.compile(r"\s+FOR UPDATE$|\s+AND \w\.(?:revision > 0|plate > '')"),
    "postgres": re.compile(r" INDEXED BY \w+"),
}


def load_engine_statements(engine: str) -> dict[str, str]:
    """Loads the statements of `sqlite` or `postgres` by name, those that both share included."""
    statements = load_statements("vipgate.store.common.sql", f"vipgate.store.{engine}.sql")
    fragments = load_fragments("vipgate.store.common.sql")
    foreign = _OTHER_DIALECT[engine]
    return {name: foreign.sub("", _LIST.sub(_columns, _expand(text, fragments))) for name, text in statements.items()}


def _expand(statement: str, fragments: dict[str, str]) -> str:
    """Puts fragments in their places, also those that a fragment names."""
    return _FRAGMENT.sub(lambda found: _expand(fragments[found[1]], fragments), statement)


def _columns(found: re.Match[str]) -> str:
    table, name, form = found.groups()
    return ", ".join(
        _column(column, table, form) for column in _COLUMNS[name] if not (form == "= excluded" and column == _KEY)
    )


def _column(column: str, table: str | None, form: str | None) -> str:
    match form:
        case "types":
            return f"{column} {'bigint' if Renewal.__annotations__[column].startswith('int') else 'text'}"
        case "?":
            return "?"
        case "= excluded":
            return f"{column} = excluded.{column}"
        case None:
            return column if table is None else f"{table}.{column}"
        case _:
            return f"{column} {form}"
