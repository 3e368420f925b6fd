"""The documents say what the code says: settings, the clients' programs that the READMEs show, what an answer promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vipgate.commit import CROWDED, INTERNAL, OVERLOADED, STOPPING
from vipgate.errors import Words
from vipgate.hmacsign import Stamp, form_fault, is_stamped
from vipgate.ingest import STORE_DOWN
from vipgate.sample import PAGE_BODY, PAGE_SECRET
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


@pytest.mark.parametrize("page", ["README.md", "README.zh.md", "docs/operating.md"])
def test_no_page_promises_that_nothing_is_stored_after_a_fault(page: str) -> None:
    rows = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if re.match(r"\|.*`50[03]`", line)]
    assert rows
    assert [line for line in rows if re.search(r"nothing|没有保存", line)] == []


@pytest.mark.parametrize("words", [OVERLOADED, CROWDED, STOPPING, INTERNAL, STORE_DOWN])
def test_no_answer_promises_that_nothing_is_stored_after_a_fault(words: Words) -> None:
    assert "未保存" not in words.zh
    assert "nothing" not in words.en
    assert "只会保存一次" in words.zh
    assert "stored once" in words.en


@pytest.mark.parametrize("language", ["python", "sh"])
def test_hmac_example_of_the_security_page_signs_as_the_gateway_wants(tmp_path: Path, language: str) -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## HMAC")[2]
    block = page.partition(f"```{language}\n")[2].partition("```")[0]
    if language == "python":
        made: dict[str, object] = {"body": PAGE_BODY, "secret": PAGE_SECRET}
        exec(f"import base64, hmac, secrets, time\n{block}", made)  # noqa: S102 - the page's own text
        headers = made["headers"]
        assert isinstance(headers, dict)
        stamp = Stamp(*(headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")))
    else:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine")
        (tmp_path / "body.json").write_bytes(PAGE_BODY)
        script = f"secret={PAGE_SECRET}\n{block.partition('curl')[0]}\nprintf '%s %s v1,%s' $id $at $signature"
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
        )
        stamp = Stamp(*done.stdout.split())
    assert form_fault(stamp) is None
    assert is_stamped(PAGE_BODY, stamp, PAGE_SECRET)
