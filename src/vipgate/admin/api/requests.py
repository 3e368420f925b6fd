"""Request parameters of the read API, one struct per endpoint."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from vipgate.admin.api.params import CODE, CURSOR, DAY, INSTANT, PLATE, SEQNO, Param, choice, text, whole
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import FLAG_NAMES
from vipgate.store.interfaces.ledger import REVISION_MAX
from vipgate.store.interfaces.queries import PAGE_ITEMS_MAX

PAGE_ITEMS: Final = 100
WAIT_S_MAX: Final = 30
PARK_UUID: Final = Param(text(), LocalizedText("车场编号", "The park's UUID."))
FLAGS: Final = {name: flag for flag, name in FLAG_NAMES.items()}

After = Annotated[str | None, Param(CURSOR, LocalizedText("上一页的 next", "The `next` of the previous page."))]
Limit = Annotated[
    int, Param(whole(1, PAGE_ITEMS_MAX), LocalizedText("每页至多几项", "Maximum number of items per page."))
]
ParkPath = Annotated[str, PARK_UUID]


class ParksParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `listParks`."""

    search: Annotated[
        str | None, Param(text(), LocalizedText("名称或编号中的文字", "Text that the name or the UUID contains."))
    ] = None
    after: After = None
    limit: Limit = PAGE_ITEMS


class ParkParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `getPark` and of the exports."""

    park_uuid: ParkPath


class FoundParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `findRenewals`."""

    plate: Annotated[
        str | None, Param(PLATE, LocalizedText("车牌, 大小写与空格不限", "A plate; case and blanks do not matter."))
    ] = None
    plate_prefix: Annotated[
        str | None,
        Param(PLATE, LocalizedText("车牌开头; 受限令牌不可用", "Beginning of a plate; not for masked tokens.")),
    ] = None
    pay_partner: Annotated[str | None, Param(text(), LocalizedText("车场订单号", "The park's order number."))] = None
    card: Annotated[str | None, Param(text(), LocalizedText("逻辑或物理卡号", "A card's number or id."))] = None
    charge_type: Annotated[str | None, Param(text(), LocalizedText("收费类型 id", "Id of a charge type."))] = None
    vip_type: Annotated[int | None, Param(whole(0, 7), LocalizedText("类型, 0 到 7", "Pass type, 0 to 7."))] = None
    pay_type: Annotated[int | None, Param(whole(1, 2), LocalizedText("1 现金, 2 线上", "1 cash, 2 online."))] = None
    since: Annotated[
        int | None,
        Param(
            INSTANT,
            LocalizedText(
                "此时刻或之后收到; 日期从北京时间零点算起",
                "Received at or after this time; a date starts at midnight in Beijing.",
            ),
        ),
    ] = None
    until: Annotated[int | None, Param(INSTANT, LocalizedText("此刻之前收到", "Received before this time."))] = None
    paid_since: Annotated[
        int | None, Param(INSTANT, LocalizedText("此刻或之后支付", "Paid at or after this time."))
    ] = None
    paid_until: Annotated[int | None, Param(INSTANT, LocalizedText("此刻之前支付", "Paid before this time."))] = None
    flag: Annotated[str | None, Param(choice(*FLAGS), LocalizedText("带此待复核标记", "Has this review flag."))] = None
    after: After = None
    limit: Limit = PAGE_ITEMS


class RecordsParams(FoundParams, frozen=True, kw_only=True):
    """Parameters of `listRenewals`."""

    park_uuid: ParkPath


class RecordParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `getRenewal`."""

    park_uuid: ParkPath
    pay_partner: Annotated[str, Param(text(), LocalizedText("车场订单号", "The park's order number."))]
    before: Annotated[
        int | None,
        Param(
            whole(1, REVISION_MAX),
            LocalizedText("历史只列此版本号之前的", "Only history before this revision."),
        ),
    ] = None


class VehiclesParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `listVehicles`."""

    park_uuid: ParkPath
    plate: Annotated[str | None, Param(PLATE, LocalizedText("只此车牌", "This plate only."))] = None
    card: Annotated[str | None, Param(text(), LocalizedText("只此卡号", "This card only."))] = None
    after: After = None
    limit: Limit = PAGE_ITEMS


class RequestParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `getRequest`."""

    seqno: Annotated[str, Param(SEQNO, LocalizedText("应答中的 seqno", "The seqno in the answer."))]


class RequestsParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `listRequests`."""

    park_uuid: Annotated[str | None, PARK_UUID] = None
    code: Annotated[str | None, Param(CODE, LocalizedText("应答代码", "The answer's code."))] = None
    since: Annotated[int | None, Param(INSTANT, LocalizedText("此刻或之后收到", "Received at or after this time."))] = (
        None
    )
    until: Annotated[int | None, Param(INSTANT, LocalizedText("此刻之前收到", "Received before this time."))] = None
    after: After = None
    limit: Limit = PAGE_ITEMS


class TotalsParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `getTotals`."""

    park_uuid: Annotated[str | None, PARK_UUID] = None
    since: Annotated[
        int | None,
        Param(DAY, LocalizedText("首日, 缺省为 until 前 30 天", "First Beijing day; default: 30 days before `until`.")),
    ] = None
    until: Annotated[
        int | None,
        Param(DAY, LocalizedText("截止日, 不含, 缺省为明日", "The day after the last day; default: tomorrow.")),
    ] = None


class ChangesParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of `listChanges`."""

    park_uuid: Annotated[str | None, PARK_UUID] = None
    after: Annotated[
        str | None,
        Param(
            CURSOR,
            LocalizedText(
                "上次的 next; 缺省从头读起", "The `next` of the previous answer; default: from the beginning."
            ),
        ),
    ] = None
    limit: Limit = PAGE_ITEMS
    wait_s: Annotated[
        int, Param(whole(0, WAIT_S_MAX), LocalizedText("无变更时等待至多几秒", "Maximum seconds to wait for a change."))
    ] = 0
