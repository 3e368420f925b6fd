"""A password in an address, in whatever form, is shown nowhere: log, status, check, error, traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.open import open_source
from vipgate.agent.status import Status
from vipgate.errors import IncompatibleDatabase, UsageError
from vipgate.protocol.authentication import _NO_SIGNATURE, _UNKNOWN_MISTAKE
from vipgate.protocol.signature_md5 import _marks
from vipgate.store.open import sqlite_path
from vipgate.store.postgres.pool import ConnectionPool
from vipgate.support import address_masking
from vipgate.support.address_masking import HIDDEN, learn, mask, passwords_in, unreadable
from vipgate.support.logs import set_up_logs

ROOT = Path(__file__).parents[3]
PLANTED = "Pl4nted-s3cret"
BRACED = PLANTED + ";x}y"
CODINGS: dict[str, Callable[[str], str]] = {"plain": str, "quoted": quote, "plus": quote_plus}
FORMS = {
    "user": f"postgresql://park:{PLANTED}@127.0.0.1:1/db",
    "user, encoded": f"postgresql://park:{quote('@/?#' + PLANTED, safe='')}@127.0.0.1:1/db",
    "no name": f"postgresql://:{PLANTED}@127.0.0.1:1/db",
    **{
        f"query {key}": f"postgresql://127.0.0.1:1/db?user=park&{key}={PLANTED}&connect_timeout=1"
        for key in ("password", "PASSWORD", "sslpassword")
    },
    **{
        f"query {key}": f"mysql+pymysql://127.0.0.1:1/db?charset=utf8mb4&{key}={PLANTED}"
        for key in ("passwd", "pwd", "secret", "token", "access_token", "api_key")
    },
    **{
        f"odbc {text.partition('=')[0]} {how}": f"mssql+pyodbc:///?odbc_connect={coded(f'DRIVER={{ODBC 17}};UID=sa;{text};X=1')}"
        for how, coded in CODINGS.items()
        for text in (
            f"PWD={PLANTED}", f"pwd={PLANTED}", f"Password={PLANTED}", f"PassWord = {PLANTED}",
            f"PWD={{{BRACED.replace('}', '}}')}}}", f"Pwd=two {PLANTED} words",
        )
    },
    "dsn": f"host=127.0.0.1 port=1 user=park password={PLANTED} dbname=db",
    "dsn, quoted": f"host=127.0.0.1 password = 'it\\'s {PLANTED}' dbname=db",
    "ado": f"Server=tcp:x;Database=d;Uid=sa;Pwd={PLANTED};Encrypt=yes",
    "http": f"https://park:{PLANTED}@platform.example/gate?token={PLANTED}",
    **{
        f"wrong {name}": f"postgresql://park:{before}{PLANTED}{behind}@127.0.0.1:1/db"
        for name, (before, behind) in {
            "at": ("x@", ""), "at behind": ("", "@x"), "slash": ("x/", ""), "question": ("x?", ""), "hash": ("x#", ""),
            "digits": ("12/", ""), "percent": ("%zz", ""), "blank": ("x ", " x"),
        }.items()
    },
}  # fmt: skip
every_form = pytest.mark.parametrize("address", FORMS.values(), ids=FORMS.keys())


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    address_masking._learned.clear()
    structlog.reset_defaults()


def shows(text: str) -> bool:
    """Whether anything of what was planted can be read in `text`."""
    return any(part in text for part in ("Pl4nted", "nted-s3", "s3cret"))


@every_form
def test_password_is_found_and_hidden_in_whatever_quotes_it(address: str) -> None:
    assert any(PLANTED in one for one in passwords_in(address))
    learn(address)
    for text in (address, f"cannot open {address!r}: refused", f"{quote(address)} {quote_plus(address)}", address[8:]):
        assert not shows(mask(text)), mask(text)
    for found in passwords_in(address):
        assert not shows(mask(f'invalid token: "{found}"'))


@pytest.mark.parametrize("name", [name for name in FORMS if not name.startswith("wrong")])
def test_address_that_nobody_has_learned_is_hidden_by_its_form(name: str) -> None:
    if "words" not in FORMS[name]:
        assert not shows(mask(FORMS[name]))


@pytest.mark.parametrize(
    "text",
    ["postgresql://park@host:5432/db?sslmode=require", "http://127.0.0.1:8080/gate/1.0", "sqlite:////a/b@c.db", "a@b.example",
     "the secret is wrong or was rotated; see platform.secret", "row[3].plate_color: 应为 1, 收到 9", "password failed"],
)  # fmt: skip
def test_what_holds_no_password_stays_as_it_is(text: str) -> None:
    learn(text)
    assert mask(text) == text


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=6, max_size=20))
def test_password_of_any_characters_is_hidden_once_it_is_learned(password: str) -> None:
    planted = f"Pl4nted{password}s3cret"
    address_masking._learned.clear()
    learn(f"postgresql://park:{quote(planted, safe='')}@host/db")
    braced = "{" + planted.replace("}", "}}") + "}"
    learn(f"mssql+pyodbc:///?odbc_connect={quote_plus(f'UID=sa;PWD={braced};A=b')}")
    for text in (
        planted, quote(planted, safe=""), quote_plus(planted), repr(planted), f"PWD={planted};A=b", braced,
        f"PWD={braced};A=b", quote_plus(f"PWD={braced};A=b"),
    ):  # fmt: skip
        assert not shows(mask(f"driver says: {text}!"))


@pytest.mark.parametrize(
    "password", ["Pl4nted;s3cret}x", "Pl4nted}s3cret;x", "x;Pl4nted}}s3cret", "}Pl4nted;;s3cret}", "{Pl4;nted-s3}cret"]
)
@pytest.mark.parametrize("coded", CODINGS.values(), ids=CODINGS)
def test_password_with_a_semicolon_and_a_brace_is_hidden_once_it_is_learned(
    password: str, coded: Callable[[str], str]
) -> None:
    """What was learned of it is a part: to hide that first would leave the rest of the value bare."""
    pairs = f"DRIVER={{ODBC 17}};UID=sa;PWD={{{password.replace('}', '}}')}}};Encrypt=yes"
    address = f"mssql+pyodbc:///?odbc_connect={coded(pairs)}"
    learn(address)
    for text in (address, pairs, f"cannot open {address!r}", password, f"PWD={password};Encrypt=yes"):
        masked = mask(text)
        assert not shows(masked), masked
        assert "cret" not in masked


@pytest.mark.parametrize("name", FORMS)
def test_address_whose_password_nobody_can_tell_the_end_of_is_refused(name: str) -> None:
    refused = name in (
        "wrong at",
        "wrong at behind",
        "wrong slash",
        "wrong question",
        "wrong hash",
        "wrong digits",
        "wrong blank",
    )
    if name != "http" and not name.startswith("odbc"):
        assert (unreadable(FORMS[name]) is not None) == refused
    assert not shows(unreadable(FORMS[name]) or "")


# ---- where they could be shown ----------------------------------------------------------------------------------------------


@every_form
def test_log_and_traceback_show_none(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs()
    learn(address)
    log = structlog.get_logger()
    log.warning(
        "source is away", reason=f"cannot open {address}", where=[address], more={"in": address}, error=OSError(address)
    )
    try:
        raise ValueError(address)
    except ValueError:
        log.exception("fault")
    said = capsys.readouterr().err
    assert len([json.loads(line) for line in said.splitlines()]) == 2
    assert not shows(said)


@every_form
def test_status_shows_none(address: str) -> None:
    learn(address)
    status = Status(at_us=1)
    status.tell("source", f"cannot open {address}", 1)
    assert not shows(repr(status))
    assert not shows(status.trouble)


def of_agent(address: str, folder: Path) -> None:
    source = open_source(SourceConfig(database=address, table="t"), base=folder)
    source.close()
    raise UsageError(source.where)


def of_gateway(address: str, _: Path) -> None:
    link = ConnectionPool(address, 1)
    with link.connection():
        raise UsageError(link.where)


@every_form
@pytest.mark.parametrize("opens", [of_agent, of_gateway, lambda address, _: sqlite_path(address)])
def test_error_of_whoever_opens_it_shows_none(
    address: str, opens: Callable[[str, Path], object], tmp_path: Path
) -> None:
    if opens is of_gateway and not address.startswith("postgresql"):
        return
    with pytest.raises(Exception, match=r"(?s).*") as raised:
        opens(address, tmp_path)
    assert not shows(str(raised.value))


CHECKED = ["user", "query token", "odbc PWD quoted", "dsn", "wrong at"]


@pytest.mark.parametrize("name", CHECKED)
def test_commands_show_none(name: str, tmp_path: Path) -> None:
    config = tmp_path / "park.toml"
    text = (
        (ROOT / "docs" / "agent.md").read_text(encoding="utf-8").partition("```toml\n[platform]")[2].partition("```")[0]
    )
    address = FORMS[name]
    lines = [
        f"database = {json.dumps(address)}" if line.startswith("database =") else
        'secret = "a secret of the park"' if line.startswith("secret =") else
        f'url = "http://park:{PLANTED}@127.0.0.1:1"' if line.startswith("url =") else line
        for line in ("[platform]" + text).splitlines() if not line.startswith("file = \"/var")
    ]  # fmt: skip
    config.write_text("\n".join(lines), encoding="utf-8")
    for words in (
        ["agent", "check", str(config)], ["agent", "run", str(config), "--once"], ["agent", "status", str(config)],
        ["agent", "init", str(tmp_path / "new.toml"), "--url", f"http://u:{PLANTED}@127.0.0.1:1", "--park-uuid", "p",
         "--secret", "env:S", "--source", f"x://{address}" if "://" not in address else address, "--table", "t"],
        ["park", "list", "--database", address],
    ):  # fmt: skip
        try:
            done = subprocess.run(
                [sys.executable, "-m", "vipgate", *words],
                capture_output=True,
                text=True,
                timeout=8,
                check=False,
                cwd=tmp_path,
            )
            said = done.stdout + done.stderr
            assert done.returncode != 0
        except subprocess.TimeoutExpired as late:
            said = str(late.stdout) + str(late.stderr)
        assert not shows(said), (words, said)
    for kept in tmp_path.glob("*.log"):
        assert not shows(kept.read_text(encoding="utf-8"))


def test_fault_that_ends_a_command_shows_none(tmp_path: Path) -> None:
    code = (
        "import sys, vipgate.cli.app as app\n"
        "from vipgate.support.address_masking import learn\n"
        "def fails():\n"
        f"    learn({FORMS['user']!r}); raise KeyError({FORMS['user']!r})\n"
        "app.command_line = lambda words: fails\n"
        "app.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert HIDDEN in done.stderr
    assert not shows(done.stderr)


def test_link_says_what_to_write_in_place_of_what_it_cannot_read() -> None:
    with pytest.raises(IncompatibleDatabase, match=r"cannot be read: .*write @ as %40"):
        ConnectionPool(FORMS["wrong at"], 1)


LONG: dict[str, str] = {
    "one word": "x" * 200_000, "words": "a." * 100_000, "keys": "password" * 25_000, "key and blanks": "token   " * 25_000,
    "open brace": "pwd={" * 40_000, "open brace, encoded": "pwd=%7B" * 30_000, "open quote": "pwd='" * 40_000,
    "escapes": "pwd='" + "\\\\" * 100_000, "braces": "pwd={" + "}" * 200_000, "addresses": "a://b:" * 33_000,
    "hyphens": "-" * 200_000, "plus signs": "token" + "+" * 200_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_long_text_is_masked_in_time_linear_in_its_length(kind: str) -> None:
    """Column names, values and settings are quoted by errors: a page or a log line must not take minutes."""
    begun_s = time.process_time()
    mask(LONG[kind])
    passwords_in(LONG[kind])
    assert time.process_time() - begun_s < 5


def test_rule_of_the_signature_in_a_hint_is_no_secret() -> None:
    """Every hint about a signature, as a platform sends it and the agent shows it."""
    hints = [_NO_SIGNATURE, _UNKNOWN_MISTAKE, *(words for _, words in _marks("k") if words is not None)]
    for text in [one.text(language) for one in hints for language in ("zh", "en")]:
        assert mask(text) == text
    assert mask("&app_secret=0123abcd in a log") == "&app_secret=*** in a log"
    assert mask("secret= 0123abcd") == "secret= ***"
