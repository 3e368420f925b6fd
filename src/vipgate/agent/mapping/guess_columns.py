"""Ranks the columns that may hold a member, by their names. Pure.

A name is sure where all of it is known. One that only contains a known word (`本次续费款`, `xx_amount`) is a candidate with a
question, and one that contains no known word is none: it is listed as not used. So a word that was never seen is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from unicodedata import normalize

from vipgate.agent.mapping.folding import simplified

LOOSE_RANK: Final = 9


class Candidate(NamedTuple):
    """A column that may hold a member. Lower ranks are likelier. If it is not sure, a question is asked."""

    column: str
    rank: int
    is_sure: bool


class _Names(NamedTuple):
    """Whole names by rank, those from `unsure` on with a question; a part that makes a loose candidate; parts that exclude."""

    ranks: tuple[str, ...]
    unsure: int
    part: str
    never: str


_ANY: Final = 99
_TIME: Final = r"_?(?:time|date|datetime|at|day|dt|tm|on|时间|日期|日)"
_NO: Final = r"_?(?:no|num|nbr|number|sn|code|编号|号码|号)"
_MONEY: Final = r"_?(?:amounts?|amt|money|fees?|cost|price|sum|total)"
_PAID_ZH: Final = r"(?:实收|实付|实缴|实际支付|实际收费|支付|已付|已收|已缴|付款|缴费|缴款|交费|收款)"
_OLD: Final = r"old|before|prev|last|orig|原|旧|上次|上期|变更前|续费前|续期前|延期前"
_NAMES: Final[Mapping[str, _Names]] = {
    "pay_partner": _Names(
        (
            r"pay_partner",
            rf"(?:(?:renew(?:al)?|recharge|pay|payment|card|month(?:ly)?|vip)_?)?order{_NO}"
            r"|(?:续费|充值|支付|缴费|商户|月卡|停车)?订单(?:编号|号码|号|流水号?)?|order",
            rf"(?:out_?)?trade{_NO}|bill{_NO}|serial{_NO}?|serial_id|(?:transaction|txn|tran|trx){_NO}|(?:pay|payment|receipt|invoice|voucher)"
            rf"{_NO}|(?:(?:交易|收据|票据|凭证|单据|账单|小票|缴费|收费|支付|续费|充值|购买)(?:单|流水)?|流水|单据?|业务)(?:编号|号码|号|流水)|流水",
            r"(?:out_?)?(?:order|trade|bill|transaction|txn|payment|pay)_?(?:id|key|ref)|(?:online|third|wx|ali)_?order_?(?:no|id)"
            r"|订单id|rec(?:ord)?_?(?:no|number)|record_?(?:id|code)|(?:renew(?:al)?|recharge|order|trade|pay|payment|bill|transaction|txn|sale)"
            r"_?(?:uu|gu|u)id|ddh|ddbh|lsh|jylsh|djh",
        ),
        3,
        r"order|订单|trade|流水|serial|单号|receipt|voucher",
        r"type|status|state|time|date|param|amount|money|fee|cost|source|token|mobile|name|desc|address|user|refund|退|parking|park_|类型|状态"
        r"|时间|日期|金额|prepay|way|method|by$|打印|备注|remark|qty|count|title",
    ),
    "plate_color": _Names(
        (
            r"(?:(?:car|vehicle)_?)?(?:license_?)?(?:plate|plt)_?(?:bg_?)?(?:colou?r|clr)(?:_?(?:code|type|id|name|desc))?",
            r"(?:车牌|号牌|牌照)(?:底色|颜色)|plate_?colour_?\w*",
            r"colou?r|颜色",
            r"plate_?type|(?:车牌|号牌)(?:类型|种类)",
        ),
        2,
        r"plate.*colou?r|牌.*色",
        r"body|车身|font|text|字|car_?colou?r$|vehicle_?colou?r$|车辆颜色|car_color_type",
    ),
    "plate": _Names(
        (
            r"plate",
            rf"(?:(?:car|vehicle|veh|user)_?)?(?:(?:license|licence|lic)_?)?(?:plate|plt)(?:{_NO}|_?id)?|cph|cphm|hphm|lpn|lpr|(?:number|license|licence)_?plates?{_NO}?"
            rf"|plat{_NO}|(?:车辆)?(?:车牌|号牌|牌照)(?:号码|号牌|号)?|(?:固定|续费)?车牌(?:号码?)?",
            rf"(?:car|vehicle|veh)(?:{_NO}|_?plate|_?reg{_NO}?)|(?:car_?)?reg(?:istration)?{_NO}|车号|车辆(?:号码?|编号)|placa|bien_?so"
            rf"|(?:car|vehicle)_?(?:license|licence|lic){_NO}?|vehicle_registration{_NO}?",
            r"(?:car|vehicle|plate)_?id|chepai(?:hao)?|car|vehicle|车辆|车",
        ),
        3,
        r"plate|车牌|号牌|licen[cs]e",
        r"colou?r|type|颜色|类型|img|image|pic|photo|图|owner|name|phone|mobile|province|省|count|old|原|旧|confidence|score|region|prefix"
        r"|flag|status|状态|date|time|auth|lot|space|brand|model|数|driver|count",
    ),
    "card_id": _Names((r"card_?id|物理卡号|ic_?card(?:_?(?:id|no))?|card_?serial\w*|内码|物理卡|芯片号",), _ANY, r"^$", r"$^"),
    "card_no": _Names(
        (
            r"card_?no|卡号|逻辑卡号",
            r"card_?(?:num(?:ber)?|code)|(?:会员|月卡|卡片)卡号|卡编号|卡片编号",
            r"\w+card_?(?:no|num)|kh",
        ),
        2,
        r"^$",
        r"id_card|bank|user|operator",
    ),
    "charge_type": _Names(
        (
            r"charge_?type",
            r"charge_?type_?(?:id|no|code)|(?:fee_?|charge_?|park_?)?rule_?(?:id|no|code)|收费(?:类型|规则|标准)(?:编号|id|代码)?"
            r"|套餐(?:编号|id|代码)|资费(?:编号|id|代码)?|(?:rate|package|plan|product|combo|tariff|meal)_?(?:id|code|no|rec_?no|token)",
            r"套餐(?:名称)?|(?:package|product|plan|combo)(?:_?name)?|产品(?:名称|编号)?|资费(?:名称|标准)",
            r"(?:card|car|vehicle|month|pass|member(?:ship)?|vip)_?(?:type|kind|class|category|rule|plan)_?(?:id|guid|code|no)"
            r"|卡类(?:编号|id)|purchase_?package|套餐类型|rate_?name",
        ),
        3,
        r"套餐|资费|收费规则|rule|package|tariff",
        r"price|fee$|amount|money|time|date|金额|价|desc|remark|months|duration|数|count",
    ),
    "vip_type": _Names(
        (
            r"vip_?type",
            r"(?:card|pass|member(?:ship)?|month(?:ly|y)?(?:_?card)?|subscription|mcard|permit)_?(?:type|tp|kind|category)(?:_?name)?"
            r"|(?:固定车|月卡|卡|卡片|会员|续费卡|车卡|月票|票)(?:类型|类别|种类|类)",
            r"type|类型|类别|klx|kalx|plan_?type|(?:car|user)_?type(?:_?name)?|(?:车辆|用户|车主|车|套餐)(?:类型|类别)",
        ),
        2,
        r"卡.*类|vip.*type",
        r"pay|order|pla[tn]_?id|支付|付款|缴费|订单|操作|vehicle_?type",
    ),
    "quantity": _Names(
        (
            r"quantity",
            r"(?:(?:renew(?:al|ed)?|buy|bought|purchase|recharge|charge|pay|rent|period|number_of|num_of|subscribe)_?)?months?"
            r"(?:_?(?:count|num|number|qty|total|cnt))|months|(?:renew(?:al)?|buy|purchase|recharge|pay|rent|period|number_of)_?months?"
            r"|(?:renew(?:al)?|buy|purchase|recharge|charge)_?(?:num|number|count|qty|quantity)|qty"
            r"|(?:续费|购买|充值|缴费|续期|延期|缴纳|办理)?(?:数量|月数|个月数|份数|个数|月份数)|(?:续费|购买|续期|延期)(?:时长|周期)",
            r"count|num|number|duration|时长|周期|month|个月|periods?|times|ys|gys|xfys",
        ),
        2,
        r"month.*(?:count|num)|月数|数量|quantity",
        r"free|gift|give|赠|left|remain|剩|total_?(?:space|num)|车位|space|天|day|hour|card_?num|order|phone|year",
    ),
    "pay_type": _Names(
        (
            r"pay_?type",
            r"(?:pay|payment|paid|paym|支付|付款|缴费|交费|结算|收款|收费|缴款)_?(?:types?|way|method|mode|channel|means|方式|类型|渠道|途径|通道)"
            r"(?:_?(?:name|desc|名称))?",
            r"(?:pay|payment|支付|charge|支付方式)_?(?:source|来源|type_?(?:no|id))|payment|pay|method|支付|来源|zffs|zhifufangshi|charge_?way",
        ),
        2,
        r"(?:pay|支付|付款|缴费).*(?:way|method|mode|channel|方式|渠道)",
        r"status|state|状态|time|date|时间|amount|money|金额|user|person|person|desc$|remark|partner",
    ),
    "pay_value": _Names(
        (
            r"pay_?value",
            rf"(?:actual(?:ly)?|real|paid|payed|received?|act)_?(?:get_?|pay_?|paid_?)?(?:{_MONEY[2:]})|pay{_MONEY}|(?:amount|amt|money|fee)_?"
            rf"(?:paid|pay|received|actual)|(?:a|act(?:ual)?|real)_?pay|{_PAID_ZH}(?:总)?(?:金额|款额|款|额|费用)|实收|实付|实缴|已付|实收款|paid"
            r"|(?:actual(?:ly)?_?|amount_?)?received|actual(?:ly)?(?:_?paid)?",
            r"(?:total|sum|grand)_?(?:pay_?)?(?:amount|amt|money|fees?|cost|price|total|charge|pay)?|(?:amount|fee|money|pay)_?total"
            r"|(?:总|合计|共计|总计)(?:支付)?(?:金额|额|价格|价|费用|计|款)?|合计",
            r"(?:(?:order|renew(?:al)?|recharge|trade|payment|card|parking|paym)_?)?(?:amounts?|amt|money|fees?|cost)"
            r"|(?:续费|充值|收费|订单|交易|月卡|停车|办理|续期)?(?:金额|费用|款额|款项)|(?:充值|续费|停车|月卡)款|charges?",
            r".*(?:receivable|payable)|(?:should|due|s)_?(?:pay|amount|money|fee)?|amount_?due|(?:应收|应付|应缴|应交).*",
            r"(?:(?:unit|single|monthly|month|sale|per_?month|setup)_?)?(?:price|rate|tariff)|(?:unit|monthly|month|per_?month)_?(?:amount|money|fees?|cost"
            r"|charge|rent)|单价|月单价|.*标准|月租(?:费用|费|金)?|价格|每月.*|monthly",
        ),
        5,
        r"amount|amt$|money|fee|price|cost|金额|费用|款$|价$|元$|实收|实付|\bpaid\b|sfje|czje|je$|jine",
        r"refund|退|discount|优惠|减|免|coupon|券|balance|余额|deposit|押金|poundage|service_?(?:charge|fee)|手续费|服务费|tax|税|unpa|un_?pay|未"
        r"|欠|outstanding|penalty|滞纳|(?:^|_)(?:type|way|method|mode|channel|status|state|time|date|datetime|id|no|by|at|code|name|desc|person|"
        r"note|mobile|unit|rule|item|remark|flag|user|year|month|token|number|count|num|source)$|old|new_?money|原|gift|give|赠|status|状态|方式|类型|时间"
        r"|日期|bonus|point|积分|(?:^|_)is_|rule|late|extra|commission|佣金|保证金|编号|次数|card_?y?j",
    ),
    "pay_time": _Names(
        (
            r"pay_?time",
            rf"(?:pay|paid|payed|payment|trade|charge|transaction|paym|success){_TIME}|(?:支付|付款|缴费|交费|缴款|收费|收款|交易)(?:完成|成功)?(?:时间|日期|日)",
            rf"(?:renew(?:al|ed)?|recharge|top_?up){_TIME}|(?:充值|续费|续期|办理|缴纳)(?:时间|日期|日)",
            rf"(?:op(?:t|er)?|operat(?:e|ion|or)|order|event|deal|finish|complete|issue|buy|purchase|cz|event){_TIME}"
            r"|(?:操作|订单|下单|购买|完成|业务)(?:时间|日期)",
            rf"(?:creat(?:e|ed|ion)?|insert|add|added|record|reg|entry_?create){_TIME}|(?:创建|录入|登记|入库|添加|生成|新增)(?:时间|日期)"
            r"|time|date|datetime|timestamp|时间|日期|czsj",
        ),
        3,
        rf"(?:pay|支付|缴费|付款|收费|续费|充值|续期).*{_TIME[2:]}",
        rf"next|start|begin|end|expir|到期|开始|结束|生效|截止|有效|应缴|refund|退|update|modif|修改|更新|exit|入场|出场|due|deadline|{_OLD}|delete|删除",
    ),
    "renewal_start_time": _Names(
        (
            r"renewal_start_time",
            rf"(?:renew(?:al)?|new|this)_?(?:start|begin|beginning|from)(?:{_TIME})?|(?:续费|续期|延期|本次|新)(?:开始|起始|起)(?:时间|日期|日)?",
            rf"(?:(?:renew(?:al)?|pay|card|car|valid(?:ity)?|monthly?|new|contract|subscription|rent|service|period|use|vip|month_card|permit)_?)*"
            rf"(?:start|begin|beginning|from|effective)(?:{_TIME})?|valid_?from|monly_card_time_start"
            r"|(?:有效期?|续费|生效|服务|租赁|月卡|新|缴费|套餐|本次|周期|月租区间|续期)?(?:开始|起始|起)(?:时间|日期|日)?|生效(?:时间|日期|日)?",
            r"new_?user_?begin|yxqs|yxqq|date_?from|kssj|ksrq|qsrq|开通(?:时间|日期)|开卡(?:时间|日期)|open_card_dt|time_start",
        ),
        3,
        r"start|begin|valid_?from|开始|起始|生效|有效期起",
        rf"{_OLD}|pause|park|each|entry|入场|停车开始|refund|退|daily|status|no$|num|编号",
    ),
    "renewal_end_time": _Names(
        (
            r"renewal_end_time",
            rf"(?:renew(?:al)?|new|this)_?(?:ends?|expir(?:e|es|ed|y|ation)|until|to)(?:{_TIME})?"
            r"|(?:续费|续期|延期|本次|新)(?:结束|截止|到期|终止|止)(?:时间|日期|日)?|(?:续费|续期|延期)后的?(?:有效期|结束|截止|到期)(?:时间|日期|日|至|止)?",
            rf"(?:(?:renew(?:al)?|pay|card|car|valid(?:ity)?|monthly?|new|contract|subscription|rent|service|period|use|vip|month_card|permit)_?)*"
            rf"(?:ends?|ending|expir(?:e|es|ed|y|ation)|until|over|finish|till|limit|stop)(?:{_TIME})?|valid_?(?:to|until|till|thru)(?:{_TIME})?"
            rf"|(?:(?:pass|card|valid(?:ity)?|monthly?|contract|subscription|rent|service|period|use|vip|month_card|permit)_)+to(?:{_TIME})?"
            r"|monly_card_time_end|(?:有效期?|续费|服务|租赁|月卡|新|缴费|套餐|本次|周期|月租区间|续期)?(?:结束|截止|到期|终止|止|失效|过期)(?:时间|日期|日)?"
            r"|有效期(?:至|止|到)?",
            rf"new_?use(?:r|ful)_?(?:date|end|time)|yxqz|date_?to|jssj|dqsj|jsrq|zzrq|dqrq|jzrq|time_end|expired?|due(?:{_TIME})?",
        ),
        3,
        r"(?:^|_)end(?:_|$)|expir|valid_?(?:to|until)|到期|截止|有效期|结束|useful_?date|due_d",
        rf"{_OLD}|park|each|exit|出场|停车结束|refund|退|daily|status|no$|num|pay_?(?:limit|expire)|支付(?:截止|过期|失效)|left|calendar",
    ),
    "value": _Names((r"value|面额|面值|储值(?:金额)?|次数|天数",), _ANY, r"^$", r"$^"),
    "operator": _Names(
        (
            r"operator",
            r"(?:operator|oper|cashier|collector|toll_?collector|recharge_?operator|charge_?(?:man|emp|person|operator)|staff|employee|teller)_?(?:name|nm)?"
            r"|操作(?:员|人员|人)(?:姓名|名称)?|收费(?:员|人员|人)(?:姓名|名称)?|收银(?:员|人)|经办(?:员|人)?|收款(?:员|人)|办理(?:员|人)|operated_by",
            r"(?:operator|oper|opt|operation|cashier|collector|staff|employee)_?(?:id|no|code|user(?:_?(?:id|name))?|card_?no)|(?:操作员|收费员)(?:编号|工号|id)"
            r"|op_?user(?:_?(?:id|name))?",
            r"(?:creat(?:or|ed?_?by|e_?user)|creator_?(?:user_?)?(?:id|uid|name)|user_?name|username|创建(?:人|者)|录入(?:人|员)|payee|handler|admin(?:_?name)?|czy)",
        ),
        3,
        r"operator|操作员|收费员|cashier",
        r"type|类型|time|phone|时间",
    ),
}  # fmt: skip
MEMBERS_IN_ORDER: Final = tuple(_NAMES)
# What competes with a choice of the best rank is asked about; ranks beyond these do not.
_RIVAL_RANKS: Final[Mapping[str, int]] = {"pay_value": LOOSE_RANK}
_PAID_RANK: Final = 1
# Names of money that say neither that it was paid nor that it is a total.
PLAIN_MONEY_RANK: Final = 3
_DUE_RANK: Final = 4
_TIMES: Final = (
    r"(?:更新|修改|最后(?:修改|更新)|变更|最近更新)(?:时间|日期)|(?:last_?)?(?:update|upd|updt|mod|modify|modified|updated|modification|change|up)_?(?:time|date|at|dt|tm|datetime)"
    r"|gxsj|xgsj|zhgxsj|gmt_?modif\w*|modified|modif\w*_?(?:time|date|at)|row_?version"
)
_PLAIN_IDS: Final = r"id|编号|序号|自增\w*|record_?id|主键|rec_?(?:no|id)|guid|xh"
_IDS: Final = rf"{_PLAIN_IDS}|\w+_id"
_STATUS: Final = (
    r"status|state$|(?:^|_)stat$|(?:^|_)(?:pay|order|trade|fk|zf|dd)_?(?:sts?|zt)$|状态|delete|(?:^|_)is_?(?:valid|paid|pay|refund|cancel|void|active|enable)|valid_?flag|作废|del_?flag"
    r"|(?:order|pay|refund)_?(?:flag|result|complete)|^(?:enable|valid|active|locked)d?$|有效标|是否(?:有效|支付|退款|作废|删除)|refunded|cancell?ed|^(?:dd|zf|jf)?zt$"
)
# A status perhaps, or a mark of printing or of sending: asked about, but no row is refused for it.
_FLAGS: Final = r"(?:^|_)(?:sts?|flag|zt)$|标志$|标识$|标记$"
_NOTES: Final = r"备注|附注|说明|摘要|附言|(?:^|_)(?:remark|note|memo|comment)s?$"
_NO_MONEY: Final = r"(?<!pa)id$|(?:^|_)(?:no|code|number|months?|qty|count|days?|status|state|type)$"
_CONTACTS: Final = (
    r"phone|mobile|(?:^|_)tel|电话|手机|id_?card|身份证|card|卡|name|姓名|plate|车牌|车号|address|地址|wechat|open_?id|mail|user|member|vehicle|car"
    r"|(?:^|_)(?:space|lot)"
)
_ROW_COUNTS: Final = r"序号|行号|xh|no|row_?(?:no|num(?:ber)?)"
_KINDS: Final = r"(?:^|_)(?:type|kind|mode|method)$|类型$|类别$|业务"
_COUNTS: Final = (
    r"(?:^|_)(?:no|num|number|qty|quantity|count|cnt|days?|months?|years?|hours?|minutes?|floor|level|lane|times|sort|seq|version|ver|discount"
    r"|rate|ratio)$|数$|数量$|次数$|天数$|月数$|楼|层|版本|排序|折扣"
)
_MONTHS: Final = r"month|月数|个月|月份"


def key_of(name: str) -> str:
    """The name in lower case, its words joined by underscores: `PayAmount(元)` is `pay_amount`."""
    text = re.sub(r"[(\[【][^)\]】]*[)\]】]", "", simplified(normalize("NFKC", name)).strip())
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return re.sub(r"[\s\-./:*]+", "_", text.lower()).strip("_")


@lru_cache(maxsize=256)
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def is_time_of_change(name: str) -> bool:
    """Whether the name says that the column holds the time of the last change."""
    return _whole(_TIMES).fullmatch(key_of(name)) is not None


def is_id(name: str) -> bool:
    """Whether the name says that the column numbers rows."""
    return _whole(_IDS).fullmatch(key_of(name)) is not None


def is_plain_id(name: str) -> bool:
    """Whether the name says that the column numbers the rows of this table, not of another."""
    return _whole(_PLAIN_IDS).fullmatch(key_of(name)) is not None


def is_status(name: str) -> bool:
    """Whether the name says that the column tells valid rows from others."""
    return _whole(_STATUS).search(key_of(name)) is not None


def is_flag(name: str) -> bool:
    """Whether the name says that the column marks rows, for whatever purpose."""
    return _whole(_FLAGS).search(key_of(name)) is not None


def is_note(name: str) -> bool:
    """Whether the name says that the column holds notes."""
    return _whole(_NOTES).search(key_of(name)) is not None


def is_no_money(name: str) -> bool:
    """Whether the name says that the column holds no amount that was paid: a discount, a balance, a number of something."""
    key = key_of(name)
    return any(_whole(one).search(key) for one in (_NAMES["pay_value"].never, _NO_MONEY)) or is_row_count(name)


def is_contact(name: str) -> bool:
    """Whether the name says that the column belongs to a person, a card or a car, not to a sale."""
    return _whole(_CONTACTS).search(key_of(name)) is not None


def is_row_count(name: str) -> bool:
    """Whether the name says that the column counts the rows of one export, so that the next one counts from 1 again."""
    return _whole(_ROW_COUNTS).fullmatch(key_of(name)) is not None


def is_count(name: str) -> bool:
    """Whether the name says that the column counts something, or numbers it."""
    return _whole(_COUNTS).search(key_of(name)) is not None


def is_kind(name: str) -> bool:
    """Whether the name says that the column tells kinds of rows apart."""
    return _whole(_KINDS).search(key_of(name)) is not None


def is_months(name: str) -> bool:
    """Whether the name says that the column counts months."""
    return _whole(_MONTHS).search(key_of(name)) is not None


def candidates(member: str, columns: Iterable[str]) -> list[Candidate]:
    """The columns that may hold `member`, the likeliest first."""
    names = _NAMES[member]
    found = []
    for column in columns:
        key = key_of(column)
        if not key:
            continue
        rank = next((rank for rank, whole in enumerate(names.ranks) if _whole(whole).fullmatch(key)), None)
        if rank is not None and (rank == 0 or not _whole(names.never).search(key)):
            found.append(Candidate(column, rank, rank < names.unsure))
        elif _whole(names.part).search(key) and not _whole(names.never).search(key):
            found.append(Candidate(column, LOOSE_RANK, False))
    return sorted(found, key=lambda one: one.rank)


def excludes(member: str, name: str) -> bool:
    """Whether `name` has a word by which a column does not hold `member`."""
    return _whole(_NAMES[member].never).search(key_of(name)) is not None


def named_members(names: Iterable[str]) -> set[str]:
    """The members of which one of `names` is surely the column's, as in a header."""
    keys = [key_of(name) for name in names]
    return {
        member
        for member, known in _NAMES.items()
        if any(_whole(name).fullmatch(key) for name in known.ranks[: known.unsure] for key in keys)
    }


def rivals(member: str, ranked: Sequence[Candidate]) -> list[str]:
    """The other columns that may be meant in place of the first of `ranked`."""
    best = ranked[0]
    if best.rank == 0:
        return []
    reach = _RIVAL_RANKS.get(member, best.rank)
    found = [one for one in ranked[1:] if one.rank <= reach]
    if member == "pay_value" and best.rank == _PAID_RANK:
        # What was to be paid is no rival of what was paid.
        found = [one for one in found if one.rank != _DUE_RANK]
    return [one.column for one in found]
