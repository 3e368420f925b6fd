"""Response structs of the read API: encoded as JSON, and described in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from vipgate.admin.api.errors import localized_hint
from vipgate.domain.entitlement import State
from vipgate.protocol.charset import Charset
from vipgate.store.interfaces.queries import CardKind

Next = Annotated[
    str | None,
    localized_hint("Cursor of the next page, for `after`; null at the end.", "下一页的游标, 用作 after; 末页为 null"),
]
Instant = Annotated[str | None, localized_hint("ISO 8601 UTC.", "ISO 8601, UTC")]


class ParkResource(msgspec.Struct, frozen=True, kw_only=True):
    """A park."""

    park_uuid: str
    name: str
    enabled: Annotated[bool, localized_hint("Whether the park may push.", "是否允许推送")]
    generation: Annotated[
        int,
        localized_hint(
            "Number of the current generation; complete=1 starts the next.",
            "当前存量批次的编号; complete=1 开始下一批次",
        ),
    ]
    records: Annotated[int, localized_hint("Current records.", "当前记录数")]
    last_push: Instant
    previous_secret_valid: Annotated[bool, localized_hint("The old secret is still valid.", "旧密钥仍有效")]
    secret_last_used: Literal["current", "previous"] | None
    secret_last_used_at: Instant
    secret_changed: Instant
    allow_list: list[str]
    rate_per_minute: int | None
    require_hmac: Annotated[bool, localized_hint("MD5 signatures are rejected.", "拒绝 MD5 签名")]
    hold_replaces: Annotated[
        bool,
        localized_hint(
            "A repeated complete=1 is held for the operator's approval.", "重复的 complete=1 须经运营方确认"
        ),
    ]
    charset: Annotated[Charset, localized_hint("Charset of the park's bodies.", "车场正文的编码")]
    created: Instant


class ParksResponse(msgspec.Struct, frozen=True):
    """A page of parks, sorted by park_uuid."""

    items: list[ParkResource]
    next: Next


class RecordResource(msgspec.Struct, frozen=True, kw_only=True):
    """A current renewal. Members are as in `vipgate export`; absent ones are null."""

    plate: Annotated[
        str,
        localized_hint(
            "Normalized: upper case, no blanks. Masked for a masked token.",
            "已规范化: 大写, 无空格; 对受限令牌部分隐藏",
        ),
    ]
    plate_color: Annotated[
        int,
        localized_hint("1 blue, 2 yellow, 3 white, 4 black, 5 green, -1 unknown.", "1 蓝 2 黄 3 白 4 黑 5 绿 -1 未知"),
    ]
    card_no: Annotated[
        str | None, localized_hint("Logical card number; masked likewise.", "逻辑卡号; 同样可能部分隐藏")
    ]
    card_id: Annotated[
        str | None, localized_hint("Physical card number; masked likewise.", "物理卡号; 同样可能部分隐藏")
    ]
    charge_type: Annotated[str, localized_hint("Id of the park's charge type.", "车场收费类型的 id")]
    vip_type: Annotated[
        int,
        localized_hint(
            "1 month, 2 stored value, 3 stored times, 4 stored days, 5 year, 6 quarter, 7 half-year, 0 free.",
            "1 月卡 2 储值卡 3 储次卡 4 储天卡 5 年卡 6 季卡 7 半年卡 0 免费",
        ),
    ]
    quantity: Annotated[int, localized_hint("Units renewed.", "续费数量")]
    pay_partner: Annotated[
        str, localized_hint("The park's order number, unique within the park.", "车场订单号, 场内唯一")
    ]
    pay_type: Annotated[int, localized_hint("1 cash, 2 online.", "1 现金 2 线上")]
    value: Annotated[
        str | None, localized_hint("Money, times or days bought, an exact decimal.", "所购金额, 次数或天数, 精确小数")
    ]
    pay_time: Instant
    renewal_start_time: Instant
    renewal_end_time: Instant
    pay_value: Annotated[int | None, localized_hint("Money paid, in fen (1/100 yuan).", "支付金额, 分")]
    operator: Annotated[str | None, localized_hint("Null for a masked token.", "对受限令牌为 null")]
    revision: Annotated[int, localized_hint("1 for the first version.", "版本号, 从 1 起")]
    seqno: Annotated[str, localized_hint("Seqno of the request that wrote this version.", "写入此版本的请求的 seqno")]
    flags: Annotated[
        list[str],
        localized_hint(
            "What an operator should review: unusual_plate, plate_changed, money_changed, no_order (the order number is a "
            "placeholder or was truncated by a spreadsheet), decimal_money (pay_value came as a text with decimals).",
            "待复核标记",
        ),
    ]
    extra: Annotated[
        msgspec.Raw | None,
        msgspec.Meta(
            description="Members that the interface does not list, unchanged; null for a masked token.",
            extra={"zh": "未定义字段, 原样; 对受限令牌为 null"},
            extra_json_schema={"type": ["object", "null"]},
        ),
    ]


class RecordsResponse(msgspec.Struct, frozen=True):
    """A page of one park's renewals, newest change first. It can be short or empty: continue while `next` is not null."""

    items: list[RecordResource]
    next: Next


class FoundResource(RecordResource, frozen=True, kw_only=True):
    """A renewal and its park."""

    park_uuid: str


class FoundResponse(msgspec.Struct, frozen=True):
    """A page of renewals of all parks, newest change first."""

    items: list[FoundResource]
    next: Next


class ReplacedResource(RecordResource, frozen=True, kw_only=True):
    """A replaced version of a renewal."""

    replaced_seqno: Annotated[str, localized_hint("Seqno of the request that replaced it.", "替换它的请求的 seqno")]


class RecordResponse(RecordResource, frozen=True, kw_only=True):
    """A renewal and its earlier versions."""

    history: Annotated[
        list[ReplacedResource], localized_hint("Oldest first, the newest 1,000.", "由旧到新, 至多最新 1000 个")
    ]
    history_before: Annotated[
        int | None,
        localized_hint(
            "Value of `before` for earlier versions; null at the end.", "取更早版本时 before 的值; 没有则为 null"
        ),
    ]


class VehicleResource(msgspec.Struct, frozen=True, kw_only=True):
    """The current entitlement of a plate or card."""

    kind: Annotated[
        CardKind, localized_hint("Kind of `key`; a record with a plate counts only for that plate.", "key 的种类")
    ]
    key: Annotated[
        str, localized_hint("The plate or card; masked for a masked token.", "车牌或卡号; 对受限令牌部分隐藏")
    ]
    state: Annotated[
        State,
        localized_hint(
            "valid; expiring: ends within 7 days and is not renewed; expired; none: no record has a usable period.",
            "valid 有效; expiring 7 天内到期且未续; expired 已过期; none 无可用期限",
        ),
    ]
    until: Annotated[
        str | None,
        localized_hint(
            "End of the unbroken period that its records cover together; null: no end.",
            "各记录连续覆盖到何时; null 为无期限",
        ),
    ]
    vip_type: Annotated[int | None, localized_hint("Pass type of the decisive record.", "所依据记录的卡类型")]
    charge_type: str | None
    value: Annotated[
        str | None,
        localized_hint(
            "Amount that record bought; only the park knows the balance.", "该记录所购的数额; 余额只有车场知道"
        ),
    ]
    pay_partner: Annotated[str | None, localized_hint("That record's order number.", "该记录的订单号")]
    records: Annotated[int, localized_hint("How many of its newest records were checked.", "检查了多少条最新记录")]


class VehiclesResponse(msgspec.Struct, frozen=True):
    """A page of one park's vehicles. It can be short or empty: continue while `next` is not null."""

    items: list[VehicleResource]
    next: Next


class RequestResource(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the request log. Members are as in `vipgate request`."""

    seqno: str
    received: Instant
    park_uuid: Annotated[
        str | None, localized_hint("Null if the park is not authenticated.", "未通过身份验证时为 null")
    ]
    claimed_park_uuid: Annotated[str | None, localized_hint("The park_uuid in the request.", "请求自称的车场")]
    code: Annotated[str, localized_hint("The answer's code; 1001 is success.", "应答代码; 1001 为成功")]
    hint: Annotated[str | None, localized_hint("What was wrong, in Chinese.", "错误说明 (中文)")]
    hint_en: Annotated[str | None, localized_hint("What was wrong, in English.", "错误说明 (英文)")]
    complete: bool
    generation: int | None
    rows_received: int
    inserted: int
    updated: int
    unchanged: int
    duration_ms: float
    secret_used: Literal["current", "previous"] | None
    peer: str
    body_bytes: int
    body_sha256: Annotated[str | None, localized_hint("Null for a masked token.", "对受限令牌为 null")]
    body_kept: bool
    webhook_id: Annotated[
        str | None, localized_hint("Of a request signed with HMAC; null for MD5.", "HMAC 签名请求的 id; MD5 为 null")
    ]


class RequestsResponse(msgspec.Struct, frozen=True):
    """A page of requests, newest first. It can be short or empty: continue while `next` is not null."""

    items: list[RequestResource]
    next: Next


class DailyTotalsResource(msgspec.Struct, frozen=True):
    """Records and money received on one Beijing day, for one pay type."""

    day: str
    pay_type: int
    inserted: Annotated[int, localized_hint("New records.", "新记录数")]
    updated: Annotated[int, localized_hint("Records that were replaced.", "被替换的记录数")]
    pay_value: Annotated[int, localized_hint("Net increase of the money, in fen.", "金额净增, 分")]


class DailyAnswersResource(msgspec.Struct, frozen=True):
    """Requests of one Beijing day that were answered with one code."""

    day: str
    code: str
    requests: int
    rows_received: int


class TotalsResponse(msgspec.Struct, frozen=True):
    """Totals by Beijing day, of one park or of all."""

    since: str
    until: Annotated[str, localized_hint("The first day that is not included.", "第一个不计入的日期")]
    records: list[DailyTotalsResource]
    requests: list[DailyAnswersResource]


class Replaced(msgspec.Struct, frozen=True, tag_field="kind", tag="replaced"):
    """The park has a new generation: drop all its records; those of the new generation follow."""

    generation: int


class Changed(RecordResource, frozen=True, kw_only=True, tag_field="kind", tag="renewal"):
    """A new or changed renewal in its current version."""

    position: Annotated[int, localized_hint("Position in the park's changes.", "在车场变更中的位置")]


class ChangesResponse(msgspec.Struct, frozen=True):
    """Changes of one park, oldest first."""

    items: list[Replaced | Changed]
    next: Annotated[
        str, localized_hint("Cursor to continue with, also without changes.", "继续读取的游标, 无变更时也有")
    ]
    more: Annotated[bool, localized_hint("Whether more changes are available now.", "是否还有未读的变更")]
