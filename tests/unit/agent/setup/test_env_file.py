"""Secrets go into the .env file, where the agent reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipgate.agent.setup.env_file import write_variable
from vipgate.agent.toml_reader import EnvFile
from vipgate.errors import UsageError


def test_variable_is_set_and_other_lines_stay(tmp_path: Path) -> None:
    config = tmp_path / "park.toml"
    (tmp_path / "park.env").write_text("# ours\nOTHER=1\nNAME=old\n")
    write_variable(config, "NAME", "new = # value")
    assert (tmp_path / "park.env").read_text() == "# ours\nOTHER=1\nNAME=new = # value\n"
    assert EnvFile(tmp_path / "park.env").get("NAME") == "new = # value"
    assert (tmp_path / "park.env").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["a\nOTHER=2", " a", '"a"', "a\0"])
def test_value_that_would_be_read_otherwise_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError):
        write_variable(tmp_path / "park.toml", "NAME", value)
    assert not (tmp_path / "park.env").exists()
