"""The documents say what the code says: settings, and the clients' programs that the READMEs show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vipgate.settings import Settings

ROOT = Path(__file__).parents[2]
CLIENTS = sorted((ROOT / "docs" / "clients").iterdir())


def test_every_setting_is_documented_once() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Settings.model_fields)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
@pytest.mark.parametrize("client", CLIENTS, ids=lambda path: path.name)
def test_readme_shows_the_program_that_is_there(readme: str, client: Path) -> None:
    assert client.read_text(encoding="utf-8") in (ROOT / readme).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda path: path.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target
