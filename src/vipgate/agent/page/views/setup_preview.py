"""Fourth step of the set-up: the first records as they would be sent, and the rows that would be refused."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from vipgate.agent.mapping.guess import UNKNOWN
from vipgate.agent.mapping.reader import Page
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.setup_cache import Kept
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.preview import FirstRows, map_first_rows
from vipgate.agent.setup.refused import group_refused
from vipgate.errors import VipgateError
from vipgate.protocol.renewal import MEMBERS
from vipgate.protocol.row import REQUIRED

RECORDS_SHOWN: Final = 10
REFUSED_SHOWN: Final = 20
# What a person compares with the parking program comes first.
FIRST_MEMBERS: Final = (
    "pay_partner", "plate", "pay_value", "pay_time", "renewal_start_time", "renewal_end_time", "vip_type", "quantity",
    "pay_type", "plate_color", "charge_type",
)  # fmt: skip


async def show(request: PageRequest) -> Response:
    """Maps the first PREVIEWED_ROWS rows by the configuration as it is. Sends nothing."""
    context, again = request.context, request.query.ticked("again")

    def read() -> tuple[Page, Kept[FirstRows]]:
        config = context.config()
        kept = context.setup.preview(config, again=again)
        return map_first_rows(config, kept.value), kept

    try:
        page, kept = await request.run(read)
    except VipgateError as error:
        lacking = await request.run(lambda: _lacking(ConfigDocument(context.config_path)))
        return request.page(
            "setup_unread.html", status=409, reason=request.masked(error), lacking=lacking, step="preview"
        )
    records: list[dict[str, Any]] = [msgspec.json.decode(one.row) for one in page.ready[:RECORDS_SHOWN]]
    found = dict.fromkeys(name for record in records for name in record)
    members = [name for name in FIRST_MEMBERS if name in found] + [name for name in found if name not in FIRST_MEMBERS]
    groups = group_refused(page.dead)
    return request.page(
        "setup_preview.html", page=page, records=records, members=members, refused=groups[:REFUSED_SHOWN],
        questions=ConfigDocument(context.config_path).questions(),
        more=sum(group.count for group in groups[REFUSED_SHOWN:]), looked_at=len(kept.value.rows), read_us=kept.at_us,
    )  # fmt: skip


def _lacking(document: ConfigDocument) -> list[str]:
    """The members that the interface wants and that no column is chosen for."""
    settings = document.table("map")
    return [name for name in MEMBERS if name in REQUIRED and _column(settings.get(name)) == UNKNOWN]


def _column(setting: object) -> object:
    return setting.get("column") if isinstance(setting, dict) else setting
