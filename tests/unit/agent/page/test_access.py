"""Who gets in: the browser that came by the link, and no one else."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.agent_page import PORT, SECRET, Browser, OpenPage, make_park, open_page
from vipgate.agent.page.access import COOKIE
from vipgate.agent.page.app import build_page


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    return open_page(make_park(tmp_path), enters=False)


def test_stranger_sees_nothing(page: OpenPage) -> None:
    for path in ("/", "/enter/x", f"{page.context.base}/", f"{page.context.base}/setup", "/../park.toml"):
        answer = page.client.get(path)
        assert answer.status_code in (403, 404)
        assert "P-0001" not in answer.text
        assert page.context.base not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/static/x"), ("GET", "/static/"), ("POST", "/static/console.css"), ("DELETE", "/favicon.ico"),
    ],
)  # fmt: skip
def test_error_of_what_everyone_may_load_does_not_name_the_secret_path(page: OpenPage, method: str, path: str) -> None:
    answer = page.client.send(method, path)
    assert answer.status_code == 403
    assert page.context.base not in answer.text
    assert page.client.get("/static/console.css").status_code == 200


def test_error_outside_the_secret_path_is_plain_text(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the guard let a request through that it should not.
    monkeypatch.setattr(page.access, "protect", lambda app, _: app)
    client = Browser(build_page(page.context, page.access, PORT), "en")
    answer = client.get("/static/x")
    assert answer.status_code == 404
    assert page.context.base not in answer.text


def test_link_lets_one_browser_in_once(page: OpenPage) -> None:
    link = page.access.link(PORT)
    answer = page.client.get(link)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    # Browsers send a cookie to every port of this machine, but only to this path.
    assert f"Path={page.context.base}" in cookie
    assert page.client.get(f"{page.context.base}/").status_code == 200
    page.client.cookies.clear()
    again = page.client.get(link)
    assert again.status_code == 403
    assert "set-cookie" not in again.headers
    assert page.client.get(f"{page.context.base}/").status_code == 403


def test_wrong_cookie_does_not_let_in(page: OpenPage) -> None:
    for value in ("", "x", "é"):
        answer = page.client.get(f"{page.context.base}/", headers={"cookie": f"{COOKIE}={value}".encode()})
        assert answer.status_code == 403


def test_second_cookie_of_the_name_does_not_lock_out(page: OpenPage) -> None:
    own = page.client.get(page.access.link(PORT)).headers["set-cookie"].partition(";")[0]
    page.client.cookies.clear()
    for cookies in (f"{COOKIE}=x; {own}", f"{own}; {COOKIE}=x"):
        answer = page.client.get(f"{page.context.base}/", headers={"cookie": cookies})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8765", ""]
)
def test_other_host_is_not_served_so_that_no_other_site_can_point_its_name_here(page: OpenPage, host: str) -> None:
    page.client.get(page.access.link(PORT))
    answer = page.client.get(f"{page.context.base}/", headers={"host": host})
    assert answer.status_code == 421
    assert "P-0001" not in answer.text
    assert page.client.get(f"{page.context.base}/", headers={"host": f"localhost:{PORT}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"}, {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"}, {},
    ],
)  # fmt: skip
def test_form_of_another_site_changes_nothing(page: OpenPage, headers: dict[str, str]) -> None:
    page.client.get(page.access.link(PORT))
    for path in ("/start", "/stop", "/dead/discard", "/dead/retry", "/compare"):
        answer = page.client.post(page.context.base + path, data={"sure": "1"}, headers=headers)
        assert answer.status_code == 403, path
    assert not page.context.job.kind
    assert not page.context.process.is_ours


def test_page_cannot_be_embedded_and_says_so(page: OpenPage) -> None:
    page.client.get(page.access.link(PORT))
    into = {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    assert page.client.get(f"{page.context.base}/", headers=into).status_code == 403
    headers = page.client.get(f"{page.context.base}/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_no_page_shows_the_secret(page: OpenPage) -> None:
    page.client.get(page.access.link(PORT))
    for path in ("/", "/dead", "/compare"):
        assert SECRET not in page.get(path)
