"""Migrates a PostgreSQL database while others write, and distributes it over a Citus cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import psycopg

from vipgate.errors import IncompatibleDatabase, StoreUnavailable
from vipgate.store.postgres.pool import Connection, ConnectionPool, one_row, translate
from vipgate.support.sql_files import Migration, load_migrations

MIGRATION_LOCK: Final = 0x76697067  # "vipg"
LOCK_TRIES_MAX: Final = 240
LOCK_PAUSE_S: Final = 0.25

# All are colocated with `park`: a park's rows are on one node.
TABLES: Final = (
    "park", "generation", "renewal", "renewal_history", "request", "rejected_body", "daily", "daily_answer", "charge_type",
    "erase_later", "card",
)  # fmt: skip
# These stay on the coordinator, like the list of migrations.
COORDINATOR_TABLES: Final = ("park_key", "staff_user", "session", "token", "audit_entry", "invitation")
_LOCK_NOT_AVAILABLE: Final = "55P03"


def schema_version(link: ConnectionPool, db: Connection) -> int:
    """The number of the last migration, 0 if none."""
    if not one_row(db, link.sql["server_facts"])[3]:
        return 0
    return int(one_row(db, link.sql["version"])[0])


def migrate(
    link: ConnectionPool, migrations: Sequence[Migration] | None = None, pause: Callable[[float], None] = time.sleep
) -> int:
    """Runs the missing migrations, one process at a time; returns the resulting version.

    Raises IncompatibleDatabase if the database is newer than this program, StoreUnavailable if a lock is not available.
    """
    steps = load_migrations("vipgate.store.postgres.sql") if migrations is None else migrations
    newest = steps[-1].number
    with link.connection() as db:
        version = schema_version(link, db)
        if version < newest:
            _take_lock(link, db, pause)
            try:
                # Read again under the lock: another process may have migrated meanwhile.
                version = schema_version(link, db)
                for step in steps:
                    if step.number > version:
                        _run(link, db, step, pause)
                if is_distributed(link, db):
                    _spread(link, db)
                version = schema_version(link, db)
            finally:
                if not db.closed:
                    db.execute(link.sql["release_migration_lock"], {"lock": MIGRATION_LOCK})
        if version > newest:
            raise IncompatibleDatabase(
                f"{link.where} has schema {version}, this vipgate knows {newest}; install the newer vipgate again."
            )
    return version


def _take_lock(link: ConnectionPool, db: Connection, pause: Callable[[float], None]) -> None:
    """Polls for the lock: waiting inside the server would block CREATE INDEX CONCURRENTLY."""
    for _ in range(LOCK_TRIES_MAX):
        if one_row(db, link.sql["try_migration_lock"], {"lock": MIGRATION_LOCK})[0]:
            return
        pause(LOCK_PAUSE_S)
    raise StoreUnavailable(f"{link.where}: another process has been migrating for a minute; see what it waits for.")


def _run(link: ConnectionPool, db: Connection, step: Migration, pause: Callable[[float], None]) -> None:
    """Runs one migration. If it cannot lock its table soon, it lets writers pass and retries."""
    for attempt in range(LOCK_TRIES_MAX):
        try:
            if step.non_transactional:
                _run_apart(link, db, step)
            else:
                with db.transaction():
                    db.execute(link.sql["migration_lock_wait"])
                    db.execute(link.sql["make_schema"])
                    db.execute(link.sql["make_version_table"])
                    db.execute(step.script)
                    db.execute(link.sql["note_version"], {"version": step.number})
            return
        except psycopg.Error as error:
            if error.sqlstate != _LOCK_NOT_AVAILABLE or attempt == LOCK_TRIES_MAX - 1:
                raise translate(error, f"{link.where}, migration {step.number}") from error
        pause(LOCK_PAUSE_S)


def _run_apart(link: ConnectionPool, db: Connection, step: Migration) -> None:
    db.execute(link.sql["no_timeout"], {"in_transaction": False})
    for statement in step.script.split(";\n"):
        if statement.strip():
            db.execute(statement)
    db.execute(link.sql["note_version"], {"version": step.number})
    db.execute(link.sql["set_up"])


def has_citus(link: ConnectionPool, db: Connection) -> bool:
    """Whether this server is a Citus coordinator."""
    return bool(one_row(db, link.sql["server_facts"])[2])


def is_distributed(link: ConnectionPool, db: Connection) -> bool:
    """Whether the ledger is distributed over a Citus cluster."""
    return has_citus(link, db) and bool(one_row(db, link.sql["is_distributed"])[0])


def _spread(link: ConnectionPool, db: Connection) -> None:
    """Distributes the tables that are not distributed yet: all, or those that a migration added."""
    db.execute(link.sql["no_timeout"], {"in_transaction": False})
    with db.transaction():
        spread = {name for (name,) in db.execute(link.sql["spread_tables"])}
        for table in TABLES:
            if table not in spread:
                colocate_with = "none" if table == "park" else "vipgate.park"
                db.execute(link.sql["distribute"], {"table": f"vipgate.{table}", "colocate_with": colocate_with})
    db.execute(link.sql["set_up"])


def _set_up_workers(link: ConnectionPool, db: Connection) -> None:
    """Makes commits and waits on the workers hold what the session settings promise: those stay on the coordinator."""
    db.execute(link.sql["set_up_workers"])
    if db.execute(link.sql["nodes_that_commit_early"]).fetchall():
        db.execute(link.sql["commit_durably_on_workers"])
    early = db.execute(link.sql["nodes_that_commit_early"]).fetchall()
    if early:
        found = ", ".join(f"{node} ({result})" for node, result in early)
        raise IncompatibleDatabase(
            f"{link.where}: synchronous_commit is not known to be on at {found}; start the node, or let an administrator run "
            "there: ALTER ROLE … SET synchronous_commit = 'on', then run vipgate migrate --citus again."
        )


def distribute(link: ConnectionPool) -> bool:
    """Distributes every table by park_id, colocated with `park`, and sets the workers up; False if all tables are distributed.

    Raises IncompatibleDatabase if the server is no Citus coordinator, or if commits on a worker do not wait for its disk.
    """
    with link.connection() as db:
        if not has_citus(link, db):
            raise IncompatibleDatabase(
                f"{link.where} has no Citus; see docs/scaling.md: shared_preload_libraries = 'citus', CREATE EXTENSION citus."
            )
        _take_lock(link, db, time.sleep)
        try:
            _set_up_workers(link, db)
            if is_distributed(link, db):
                return False
            _spread(link, db)
        finally:
            if not db.closed:
                db.execute(link.sql["release_migration_lock"], {"lock": MIGRATION_LOCK})
    link.discard_idle()
    return True
