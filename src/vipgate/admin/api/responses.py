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


class ParkMembers(msgspec.Struct, frozen=True, kw_only=True):
    """A park."""

    park_uuid: str
    name: str
    enabled: Annotated[bool, localized_hint("Whether it may push.", "是否允许推送")]
    generation: Annotated[
        int,
        localized_hint(
            "Number of the stock that is current; complete=1 starts the next.", "当前存量的代号; complete=1 开始新一代"
        ),
    ]
    records: Annotated[int, localized_hint("Current records.", "当前记录数")]
    last_push: Instant
    previous_secret_valid: Annotated[bool, localized_hint("A rotation is not ended yet.", "旧密钥仍有效")]
    secret_last_used: Literal["current", "previous"] | None
    secret_last_used_at: Instant
    secret_changed: Instant
    allow_list: list[str]
    rate_per_minute: int | None
    require_hmac: Annotated[bool, localized_hint("MD5 signatures are refused.", "拒绝 MD5 签名")]
    hold_replaces: Annotated[
        bool,
        localized_hint(
            "A complete=1 that came before is held for the operator's yes.", "重复的 complete=1 须经运营方确认"
        ),
    ]
    charset: Annotated[Charset, localized_hint("In which the park must write.", "车场正文须用的编码")]
    created: Instant


class ParksAnswer(msgspec.Struct, frozen=True):
    """A page of parks, sorted by park_uuid."""

    items: list[ParkMembers]
    next: Next


class RecordMembers(msgspec.Struct, frozen=True, kw_only=True):
    """A current renewal. Members are as in `vipgate export`; absent ones are null."""

    plate: Annotated[
        str,
        localized_hint(
            "Folded: upper case, without blanks. Masked for a masked token.", "已归一: 大写, 无空格; 受限令牌见部分隐藏"
        ),
    ]
    plate_color: Annotated[
        int,
        localized_hint("1 blue, 2 yellow, 3 white, 4 black, 5 green, -1 unknown.", "1 蓝 2 黄 3 白 4 黑 5 绿 -1 未知"),
    ]
    card_no: Annotated[str | None, localized_hint("Logical card number; masked likewise.", "逻辑卡号; 同样可能隐藏")]
    card_id: Annotated[str | None, localized_hint("Physical card number; masked likewise.", "物理卡号; 同样可能隐藏")]
    charge_type: Annotated[str, localized_hint("Id of the park's charge type.", "车场收费类型的 id")]
    vip_type: Annotated[
        int,
        localized_hint(
            "1 month, 2 stored value, 3 stored times, 4 stored days, 5 year, 6 quarter, 7 half-year, 0 free.",
            "1 月卡 2 储值 3 次卡 4 天卡 5 年卡 6 季卡 7 半年卡 0 免费",
        ),
    ]
    quantity: Annotated[int, localized_hint("Units renewed.", "续费数量")]
    pay_partner: Annotated[str, localized_hint("The park's order number, unique in it.", "车场订单号, 场内唯一")]
    pay_type: Annotated[int, localized_hint("1 cash, 2 online.", "1 现金 2 线上")]
    value: Annotated[
        str | None, localized_hint("Money, times or days bought, an exact decimal.", "所购金额, 次数或天数, 精确小数")
    ]
    pay_time: Instant
    renewal_start_time: Instant
    renewal_end_time: Instant
    pay_value: Annotated[int | None, localized_hint("Money paid, in fen (1/100 yuan).", "支付金额, 分")]
    operator: Annotated[str | None, localized_hint("Null for a masked token.", "受限令牌见 null")]
    revision: Annotated[int, localized_hint("1 for the first version.", "版本号, 从 1 起")]
    seqno: Annotated[str, localized_hint("Of the request that wrote this version.", "写入此版本的请求的 seqno")]
    flags: Annotated[
        list[str],
        localized_hint(
            "What an operator should look at: unusual_plate, plate_changed, money_changed, no_order (the order number is a "
            "placeholder or was cut short by a spreadsheet), decimal_money (pay_value came as a text with decimals).",
            "需人工核对的标记",
        ),
    ]
    extra: Annotated[
        msgspec.Raw | None,
        msgspec.Meta(
            description="Members that the interface does not list, as they came; null for a masked token.",
            extra={"zh": "接口未列出的成员, 原样; 受限令牌见 null"},
            extra_json_schema={"type": ["object", "null"]},
        ),
    ]


class RecordsAnswer(msgspec.Struct, frozen=True):
    """A page of one park's renewals, newest change first. It can be short or empty: continue while `next` is not null."""

    items: list[RecordMembers]
    next: Next


class FoundMembers(RecordMembers, frozen=True, kw_only=True):
    """A renewal and its park."""

    park_uuid: str


class FoundAnswer(msgspec.Struct, frozen=True):
    """A page of renewals of all parks, newest change first."""

    items: list[FoundMembers]
    next: Next


class ReplacedMembers(RecordMembers, frozen=True, kw_only=True):
    """A replaced version of a renewal."""

    replaced_seqno: Annotated[str, localized_hint("Of the request that replaced it.", "替换它的请求的 seqno")]


class RecordAnswer(RecordMembers, frozen=True, kw_only=True):
    """A renewal and its earlier versions."""

    history: Annotated[
        list[ReplacedMembers], localized_hint("Oldest first, the newest 1,000.", "由旧到新, 至多最新 1000 个")
    ]
    history_before: Annotated[
        int | None,
        localized_hint(
            "For earlier versions ask with `before` at this; null at the end.", "以 before 取更早版本, 无则为 null"
        ),
    ]


class VehicleMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The current entitlement of a plate or card."""

    kind: Annotated[CardKind, localized_hint("What `key` is; a record with a plate counts for it alone.", "key 的种类")]
    key: Annotated[
        str, localized_hint("The plate or card; masked for a masked token.", "车牌或卡号; 受限令牌见部分隐藏")
    ]
    state: Annotated[
        State,
        localized_hint(
            "valid; expiring: ends within 7 days and is not renewed; expired; none: no record tells a time that is valid.",
            "valid 有效; expiring 7 天内到期且未续; expired 已过期; none 无可用期限",
        ),
    ]
    until: Annotated[
        str | None,
        localized_hint(
            "End of the unbroken time that all its records cover together; null: none.",
            "各记录连续覆盖到何时; null 为无期限",
        ),
    ]
    vip_type: Annotated[int | None, localized_hint("Of the record it stands on.", "所依记录的类型")]
    charge_type: str | None
    value: Annotated[
        str | None,
        localized_hint(
            "What that record bought; what is left of it the park alone knows.", "该记录所购数额; 余额仅车场知道"
        ),
    ]
    pay_partner: Annotated[str | None, localized_hint("That record's order number.", "该记录的订单号")]
    records: Annotated[int, localized_hint("How many of its newest records were looked at.", "查看了多少条最新记录")]


class VehiclesAnswer(msgspec.Struct, frozen=True):
    """A page of one park's vehicles. It can be short or empty: continue while `next` is not null."""

    items: list[VehicleMembers]
    next: Next


class RequestMembers(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the request log. Members are as in `vipgate request`."""

    seqno: str
    received: Instant
    park_uuid: Annotated[str | None, localized_hint("Null where no park was proved.", "签名未证实车场时为 null")]
    claimed_park_uuid: Annotated[str | None, localized_hint("What the request said it was.", "请求自称的车场")]
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
    body_sha256: Annotated[str | None, localized_hint("Null for a masked token.", "受限令牌见 null")]
    body_kept: bool
    webhook_id: Annotated[
        str | None, localized_hint("Of a request that HMAC signed; null under MD5.", "HMAC 签名请求的 id; MD5 为 null")
    ]


class RequestsAnswer(msgspec.Struct, frozen=True):
    """A page of requests, newest first. It can be short or empty: continue while `next` is not null."""

    items: list[RequestMembers]
    next: Next


class DayMembers(msgspec.Struct, frozen=True):
    """Records and money received on one Beijing day, for one pay type."""

    day: str
    pay_type: int
    inserted: Annotated[int, localized_hint("New records.", "新记录数")]
    updated: Annotated[int, localized_hint("Records that were replaced.", "被替换的记录数")]
    pay_value: Annotated[int, localized_hint("By how much the money grew, in fen.", "金额净增, 分")]


class AnswersMembers(msgspec.Struct, frozen=True):
    """Requests of one Beijing day that were answered with one code."""

    day: str
    code: str
    requests: int
    rows_received: int


class TotalsAnswer(msgspec.Struct, frozen=True):
    """Totals by Beijing day, of one park or of all."""

    since: str
    until: Annotated[str, localized_hint("The first day that is not counted.", "首个不计入的日子")]
    records: list[DayMembers]
    requests: list[AnswersMembers]


class Replaced(msgspec.Struct, frozen=True, tag_field="kind", tag="replaced"):
    """The park has a new generation: drop all its records; those of the new generation follow."""

    generation: int


class Changed(RecordMembers, frozen=True, kw_only=True, tag_field="kind", tag="renewal"):
    """A new or changed renewal in its current version."""

    position: Annotated[int, localized_hint("Its place among the park's changes.", "在车场变更中的位置")]


class ChangesAnswer(msgspec.Struct, frozen=True):
    """Changes of one park, oldest first."""

    items: list[Replaced | Changed]
    next: Annotated[
        str, localized_hint("Cursor to go on with, also when nothing came.", "继续读取的游标, 无变更时也有")
    ]
    more: Annotated[bool, localized_hint("Whether more is there already.", "是否还有未读")]
