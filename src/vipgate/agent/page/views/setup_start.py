"""Last step of the set-up: checks everything, says in numbers what adding and replacing mean, and starts the agent."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.responses import Response

from vipgate.agent.config import CONFIG_BYTES_MAX, Config
from vipgate.agent.opening import open_client, source_of
from vipgate.agent.page.checked import Checked
from vipgate.agent.page.context import Context
from vipgate.agent.page.jobs import BUSY
from vipgate.agent.page.request import PageRequest
from vipgate.agent.setup.checks import find_problems
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.env_file import env_path
from vipgate.agent.spool import is_running
from vipgate.errors import VipgateError
from vipgate.i18n import LocalizedText, current_language
from vipgate.support.web.errors import PageError

_SURE: Final = LocalizedText("请先勾选“我确定”；没有删除任何记录", 'tick "I am sure" first; nothing was deleted')
_UNCHECKED: Final = LocalizedText(
    "此配置尚未检查，或检查后有更改；没有删除任何记录，请重新检查",
    "this configuration was not checked, or changed since; nothing was deleted, check again",
)
_OPEN: Final = LocalizedText(
    "还有关于发送内容的问题没有回答；请先在“字段映射”中回答",
    "questions about what is sent are not answered; answer them in the mapping first",
)
_RUNS: Final = LocalizedText("代理已在运行；请先停止它", "the agent runs already; stop it first")


async def show(request: PageRequest) -> Response:
    """Shows the last check, and the two ways to start."""
    job = request.context.job
    checked = await request.run(lambda: _present_check(request.context))
    questions = await request.run(lambda: ConfigDocument(request.context.config_path).questions())
    blocked = any(one.is_blocking for one in questions)
    return request.page(
        "setup_start.html", job=job, checked=checked, ours=request.context.process.is_ours, questions=questions,
        blocked=blocked,
    )  # fmt: skip


def _present_check(context: Context) -> Checked | None:
    """The last check, if the configuration is still the one that was checked."""
    result = context.job.result
    return result if isinstance(result, Checked) and result.of == _print(context.config_path) else None


def _print(config: Path) -> str:
    """Tells configurations apart: a digest of the file and its `.env`."""
    made = sha256()
    for path in (config, env_path(config)):
        content = b""
        # A file that cannot be read is said when the configuration is loaded; a longer one is refused there.
        with suppress(OSError), path.open("rb") as file:
            content = file.read(CONFIG_BYTES_MAX + 1)
        made.update(sha256(content).digest())
    return made.hexdigest()


async def check(request: PageRequest) -> Response:
    """Starts the check."""
    context = request.context
    if not context.job.start("check", lambda: _check(context), context.clock_us):
        raise PageError(409, BUSY)
    return request.go("/setup/start")


def _check(context: Context) -> Checked:
    # Before it is loaded: a change in between makes the check one of an older configuration.
    of = _print(context.config_path)
    config = context.config()
    findings = tuple(find_problems(config, context.spool_path(config)))
    return Checked(
        of,
        config.platform.park_uuid,
        config.platform.url,
        findings,
        _rows_here(config),
        _records_there(config),
        current_language(),
    )


def _rows_here(config: Config) -> int | None:
    try:
        source = source_of(config)
    except VipgateError:
        # The findings say why.
        return None
    try:
        return source.count()
    except VipgateError:
        return None
    finally:
        source.close()


def _records_there(config: Config) -> int | None:
    """The number of records that the platform holds of this park; None if it does not tell."""
    with open_client(config) as client:
        answer = client.ask({})
    try:
        return sum(int(month["count"]) for month in answer["months"]) if isinstance(answer, dict) else None
    except (KeyError, TypeError, ValueError):
        return None


async def start(request: PageRequest) -> Response:
    """Starts the agent; with `replace` its first request deletes all records of the park on the platform."""
    context, replaces = request.context, request.form.get("mode") == "replace"
    if replaces and not request.form.ticked("sure"):
        raise PageError(409, _SURE)
    shown_us = request.form.whole("check", 1, 10**17)

    def begin() -> None:
        if any(one.is_blocking for one in ConfigDocument(context.config_path).questions()):
            raise PageError(409, _OPEN)
        if replaces and (_present_check(context) is None or shown_us != context.job.begun_us):
            raise PageError(409, _UNCHECKED)
        config = context.config()
        path = context.spool_path(config)
        if path.exists() and is_running(path):
            raise PageError(409, _RUNS)
        context.process.start(config, path, replace=replaces)

    await request.run(begin)
    return request.go("/", "started")
