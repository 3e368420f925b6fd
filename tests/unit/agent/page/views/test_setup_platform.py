"""The platform's step: tried at once, and the secret is never shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from bench.records import SECRET

from support.agent_page import OpenPage, open_page
from support.odd_platform import STORED, OddPlatform, Reply
from vipgate.agent.translations import CHINESE
from vipgate.i18n import accepted_language, register_chinese
from vipgate.protocol.authentication import _UNKNOWN_MISTAKE

FIELDS = {"url": "http://127.0.0.1:1", "park_uuid": "P-0001", "secret": SECRET, "signature": "md5"}


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    return open_page(tmp_path / "park.toml")


def test_set_up_begins_here_without_a_configuration(page: OpenPage) -> None:
    answer = page.client.get(f"{page.context.base}/")
    assert answer.headers["location"].endswith("/setup")
    assert page.client.get(f"{page.context.base}/setup").headers["location"].endswith("/setup/platform")
    assert 'name="secret"' in page.get("/setup/platform")


def test_settings_are_stored_and_tried(page: OpenPage) -> None:
    with OddPlatform(lambda _: STORED).running() as platform:
        shown = page.post("/setup/platform", {**FIELDS, "url": platform.url}, status=200)
    assert "the platform takes this park" in shown
    assert SECRET not in shown
    path = page.context.config_path
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    assert tables["platform"] == {
        "url": platform.url, "park_uuid": "P-0001", "secret": "env:VIPGATE_PARK_SECRET",
    }  # fmt: skip
    assert path.with_suffix(".env").read_text() == f"VIPGATE_PARK_SECRET={SECRET}\n"
    assert SECRET not in page.get("/setup/platform")


def test_secret_that_is_left_empty_stays(page: OpenPage) -> None:
    page.post("/setup/platform", FIELDS, status=200)
    page.post("/setup/platform", {**FIELDS, "secret": "", "park_uuid": "P-0002"}, status=200)
    assert SECRET in page.context.config_path.with_suffix(".env").read_text()
    assert "P-0002" in page.context.config_path.read_text()


def test_platform_that_does_not_answer_is_said_with_a_remedy(page: OpenPage) -> None:
    shown = page.post("/setup/platform", FIELDS, status=200)
    assert "cannot connect" in shown
    assert "check platform.url" in shown


@pytest.mark.parametrize(("name", "value"), [("url", "platform"), ("url", ""), ("park_uuid", ""), ("secret", "")])
def test_wrong_field_is_marked_and_nothing_is_written(page: OpenPage, name: str, value: str) -> None:
    shown = page.post("/setup/platform", {**FIELDS, name: value}, status=422)
    assert 'aria-invalid="true"' in shown
    assert SECRET not in shown
    assert not page.context.config_path.exists()


class Listening(OddPlatform):
    """Answers a wrong secret as the gateway does, in the language that it is asked for."""

    def take(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:  # noqa: ARG002 - of the base class
        return Reply.of("401", _UNKNOWN_MISTAKE.text(accepted_language(headers.get("Accept-Language"))))


@pytest.mark.parametrize(
    ("language", "said", "field"),
    [
        ("en", "MD5 of body + &amp;app_secret= + secret", "the field “Signature” of the set-up"),
        ("zh", "MD5(正文 + &amp;app_secret= + 密钥)", "设置的“签名方式”"),
    ],
)
def test_wrong_secret_is_explained_in_the_language_of_the_page_and_whole(
    page: OpenPage, language: str, said: str, field: str
) -> None:
    register_chinese(CHINESE)
    page.post("/language", {"language": language})
    with Listening(lambda _: STORED).running() as platform:
        shown = page.post("/setup/platform", {**FIELDS, "url": platform.url}, status=200)
    assert said in shown
    assert field in shown
    assert ("签名不符" in shown) == (language == "zh")


def test_platform_that_fails_is_no_network_and_no_step_is_done(page: OpenPage) -> None:
    with OddPlatform(lambda _: Reply.of("500", "no ledger", status=500)).running() as platform:
        shown = page.post("/setup/platform", {**FIELDS, "url": platform.url}, status=200)
        assert "ask the platform, with the seqno" in shown
        assert "(seqno " in shown
        assert "check platform.url" not in shown
        assert "(done)" not in shown
        platform.rule = lambda _: STORED
        assert "(done)" in page.post("/setup/platform", {**FIELDS, "url": platform.url}, status=200)
