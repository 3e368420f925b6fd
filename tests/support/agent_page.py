"""The agent's page over a real park and spool, and a browser without a screen for it."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from vipgate.agent.opening import opened_spool
from vipgate.agent.page.access import Access
from vipgate.agent.page.agent_process import AgentProcess
from vipgate.agent.page.app import build_page, load_templates
from vipgate.agent.page.context import Context
from vipgate.agent.spool import Spool
from vipgate.clock import clock_us
from vipgate.i18n import Language

PORT = 8765
HOME = f"http://127.0.0.1:{PORT}"
SECRET = "secretA123456789"
TABLE = """CREATE TABLE 续费记录 (编号 INTEGER PRIMARY KEY, 订单号 TEXT, 车牌号 TEXT, 车牌颜色 TEXT, 卡类型 TEXT, 数量 INTEGER,
    支付方式 TEXT, 金额 TEXT, 支付时间 TEXT, 开始时间 TEXT, 结束时间 TEXT, 更新时间 TEXT)"""
ROW = ("P{n}", "粤B1234{d}", "蓝", "月卡", 1, "微信", "300.00", "2026-01-0{d} 08:00:00", "2026-01-0{d} 00:00:00",
       "2026-02-0{d} 23:59:59", "2026-01-0{d} 08:00:00")  # fmt: skip
CONFIG = """[platform]
url = "{url}"
park_uuid = "P-0001"
secret = "{secret}"

[source]
database = "sqlite:///park.db"
table = "续费记录"
cursor = ["更新时间", "编号"]

[map]
pay_partner = "订单号"
plate_color = {{ column = "车牌颜色", codes = {{ "蓝" = 1 }} }}
plate = "车牌号"
vip_type = {{ column = "卡类型", codes = {{ "月卡" = 1 }} }}
quantity = "数量"
charge_type = {{ constant = "DEFAULT" }}
pay_type = {{ column = "支付方式", codes = {{ "微信" = 2 }} }}
pay_value = {{ column = "金额", unit = "yuan" }}
pay_time = "支付时间"
renewal_start_time = "开始时间"
renewal_end_time = "结束时间"

[log]
file = "park.log"
"""


def make_park(folder: Path, rows: int = 9, url: str = "http://127.0.0.1:1") -> Path:
    """A park's database with `rows` rows, and its configuration; returns the configuration's path."""
    with closing(sqlite3.connect(folder / "park.db")) as db:
        db.execute(TABLE)
        for number in range(1, rows + 1):
            cells = [str(cell).format(n=number, d=number % 9 + 1) for cell in ROW]
            db.execute("INSERT INTO 续费记录 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [number, *cells])
        db.commit()
    config = folder / "park.toml"
    config.write_text(CONFIG.format(url=url, secret=SECRET), encoding="utf-8")
    return config


class Browser:
    """Asks the application itself, without a socket. Follows no redirect."""

    def __init__(self, app: ASGIApp, language: str) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=HOME, headers={"accept-language": language})
        self._runner = asyncio.Runner()
        self.cookies = self._client.cookies

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Asks for a page."""
        return self._runner.run(self._client.get(path, **options))

    def send(self, method: str, path: str) -> httpx.Response:
        """Sends a request of any method."""
        return self._runner.run(self._client.request(method, path))

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Sends a form."""
        return self._runner.run(self._client.post(path, **options))


@dataclass
class OpenPage:
    """A page that was opened by its link. Paths are those below the secret one."""

    context: Context
    access: Access
    client: Browser

    def get(self, path: str, status: int = 200) -> str:
        """The page at `path`."""
        answer = self.client.get(self.context.base + path)
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def post(self, path: str, fields: Mapping[str, str | list[str]] | None = None, status: int = 303) -> str:
        """Sends a form as the page's own; returns where it leads, or the page."""
        answer = self.client.post(
            self.context.base + path,
            data=dict(fields or {}),
            headers={"sec-fetch-site": "same-origin"},
        )
        assert answer.status_code == status, answer.text
        return answer.headers["location"].removeprefix(self.context.base) if status == 303 else answer.text

    def spool(self) -> Spool:
        """The agent's spool; the caller closes it."""
        with opened_spool(self.context.config(), None) as made:
            path = made.path
        return Spool(path, clock_us)


def open_page(
    config: Path, language: str = "en", *, enters: bool = True, asked_language: Language | None = None
) -> OpenPage:
    """The page for a configuration; with `enters` its link was followed. `language` is the browser's."""
    access = Access(secrets.token_urlsafe)
    context = Context(
        config_path=config, given_spool=None, base=access.base, templates=load_templates(), clock_us=clock_us,
        process=AgentProcess(), asked_language=asked_language,
    )  # fmt: skip
    client = Browser(build_page(context, access, PORT), language)
    if enters:
        assert client.get(access.link(PORT)).status_code == 200
    return OpenPage(context, access, client)
