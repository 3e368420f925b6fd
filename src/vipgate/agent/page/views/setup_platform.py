"""First step of the set-up: the platform's address, park_uuid and secret; tried at once by a request that stores nothing."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.agent.config import Platform
from vipgate.agent.page.context import Context
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.setup_progress import first_open, steps_done
from vipgate.agent.setup.checks import Finding, check_platform
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.env_file import SECRET_NAME, write_variable
from vipgate.agent.toml_reader import EnvFile, TomlTableReader
from vipgate.errors import VipgateError
from vipgate.i18n import tr
from vipgate.protocol.envelope import PARK_UUID_CHARS_MAX
from vipgate.support.web.forms import FormData

URL_CHARS_MAX: Final = 500
SECRET_CHARS_MAX: Final = 256
# A person waits for the trial.
TRIAL_S_MAX: Final = 10.0


async def go_on(request: PageRequest) -> Response:
    """Leads to the first step that is not done."""
    done = await request.run(lambda: steps_done(request.context))
    return request.go(f"/setup/{first_open(done)}")


async def show(request: PageRequest) -> Response:
    """Shows the settings. The secret is never shown, only whether there is one."""
    return await _page(request, request.form, ())


async def _page(request: PageRequest, form: FormData, findings: tuple[Finding, ...], status: int = 200) -> Response:
    document = ConfigDocument(request.context.config_path)
    has_secret = await request.run(lambda: bool(_secret(request.context, document)))
    return request.page(
        "setup_platform.html", status=status, form=form, findings=findings, has_secret=has_secret,
        platform=document.table("platform"),
    )  # fmt: skip


def _secret(context: Context, document: ConfigDocument) -> str:
    """The secret that the configuration names; empty if there is none."""
    path = context.config_path
    table = TomlTableReader("platform", document.table("platform"), [], EnvFile(path.with_suffix(".env")))
    return table.resolved("secret", path.parent)


async def save(request: PageRequest) -> Response:
    """Stores the settings, then tries them."""
    form, path = request.form, request.context.config_path
    url = form.text("url", URL_CHARS_MAX, needed=True)
    if url and not url.startswith(("http://", "https://")):
        form.fault("url", "应以 http:// 或 https:// 开头", "must begin with http:// or https://")
    park_uuid = form.text("park_uuid", PARK_UUID_CHARS_MAX, needed=True)
    secret = form.text("secret", SECRET_CHARS_MAX)
    if not secret and not await request.run(lambda: _secret(request.context, ConfigDocument(path))):
        form.fault("secret", "必填", "required")
    signature = form.choice("signature", ("md5", "hmac"))
    if form.errors:
        return await _page(request, form, (), status=422)
    document = ConfigDocument(path)
    document.set("platform", {"url": url, "park_uuid": park_uuid})
    if secret:
        write_variable(path, SECRET_NAME, secret)
        document.set("platform", {"secret": f"env:{SECRET_NAME}"})
    if signature != (document.get("platform", "signature") or "md5"):
        document.set("platform", {"signature": signature})
    document.save()
    findings = await request.run(lambda: _try(request.context, document))
    request.context.setup.is_platform_wrong = any(one.remedy and not one.is_warning for one in findings)
    return await _page(request, form, findings)


def _try(context: Context, document: ConfigDocument) -> tuple[Finding, ...]:
    """Sends a signed request that stores nothing."""
    settings, path, faults = document.table("platform"), context.config_path, list[str]()
    ca_file = TomlTableReader("platform", settings, faults, EnvFile(path.with_suffix(".env"))).path(
        "ca_file", path.parent
    )
    if faults:
        return tuple(Finding("config", fault, tr("fix it in {path}", path=path)) for fault in faults)
    platform = Platform(
        url=settings["url"],
        park_uuid=settings["park_uuid"],
        secret=_secret(context, document),
        signature="hmac" if settings.get("signature") == "hmac" else "md5",
        ca_file=ca_file,
        timeout_s=TRIAL_S_MAX,
    )
    try:
        return tuple(check_platform(platform))
    except VipgateError as error:
        return (Finding("network", str(error), "platform.url"),)
