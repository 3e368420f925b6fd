"""The comments that databases keep on columns come with the first rows."""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from support import mariadb as maria
from vipgate.agent.config import SourceConfig
from vipgate.agent.setup.samples import read_samples


def test_comments_are_read_from_mariadb_also_of_a_view_that_may_not_be_inspected(mariadb: str, tmp_path: Path) -> None:
    name = make_url(mariadb).database
    maria.run(
        mariadb,
        "CREATE TABLE t (id INT PRIMARY KEY, klx INT COMMENT '卡类型 1月卡\n2季卡')",
        "INSERT INTO t VALUES (1, 2)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE OR REPLACE USER comment_reader@'%' IDENTIFIED BY 'right'",
        f"GRANT SELECT ON `{name}`.* TO comment_reader@'%'",
    )
    url = make_url(mariadb).set(username="comment_reader", password="right").render_as_string(hide_password=False)
    for table in ("t", "v"):
        found = read_samples(SourceConfig(database=url, table=table), tmp_path / "park.toml")
        assert found.comments == {"klx": "卡类型 1月卡 2季卡"}
        assert found.proposal().members["vip_type"].codes == {"2": 6}
    query = read_samples(SourceConfig(database=url, query="SELECT * FROM t"), tmp_path / "park.toml")
    assert query.comments == {}


def test_comments_are_read_from_postgres_in_any_schema(postgres: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("DROP SCHEMA IF EXISTS commented CASCADE; CREATE SCHEMA commented")
        db.execute("CREATE TABLE commented.t (cph text); COMMENT ON COLUMN commented.t.cph IS '车牌号'")
        db.execute("CREATE VIEW commented.v AS SELECT * FROM commented.t")
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    try:
        for table, comments in (("commented.t", {"cph": "车牌号"}), ("commented.v", {})):
            found = read_samples(SourceConfig(database=url, table=table), tmp_path / "park.toml")
            assert found.comments == comments
    finally:
        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("DROP SCHEMA commented CASCADE")
