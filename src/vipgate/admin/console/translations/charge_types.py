"""Texts of a park's charge types."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "park.tab.charge_types": LocalizedText("收费类型", "Charge types"),
    "types.title": LocalizedText("收费类型", "Charge types"),
    "types.lead": LocalizedText(
        "从车场自己的网关读取，每夜更新一次，用来显示名称、发现未知的编号。",
        "Fetched from the park's own gateway once a night, to show names and find unknown ids.",
    ),
    "types.address": LocalizedText("网关地址", "Gateway"),
    "types.address.none": LocalizedText("未填写", "not set"),
    "types.address.set": LocalizedText("去填写", "set it"),
    "types.fetched": LocalizedText("读取于", "Fetched"),
    "types.never": LocalizedText("从未", "never"),
    "types.tried": LocalizedText("最近一次尝试", "Last attempt"),
    "types.trouble": LocalizedText("最近一次读取失败：{why}", "The last attempt failed: {why}"),
    "types.fetch": LocalizedText("立即读取", "Fetch now"),
    "types.none": LocalizedText("还没有读取过收费类型。", "No charge types have been fetched yet."),
    "types.empty": LocalizedText("车场的列表是空的。", "The park's list is empty."),
    "types.id": LocalizedText("编号", "Id"),
    "types.name": LocalizedText("名称", "Name"),
    "types.price": LocalizedText("单价（元）", "Price (yuan)"),
    "types.extra_days": LocalizedText("赠送天数", "Extra days"),
    "types.desc": LocalizedText("说明", "Description"),
    "types.updated": LocalizedText("车场更新于", "Updated by the park"),
    "types.used": LocalizedText("近期使用", "In use"),
    "types.used.hint": LocalizedText("最新 {n} 条记录中", "among the newest {n} records"),
    "types.unknown": LocalizedText("在用但列表中没有的编号", "Ids in use but not in the list"),
    "types.unknown.lead": LocalizedText(
        "最新 {n} 条记录中出现，车场的列表里没有：列表可能过旧，或客户端填错了编号。",
        "They occur in the newest {n} records but not in the park's list: the list may be old, or the client sends wrong ids.",
    ),
    "types.unknown.see": LocalizedText("查看记录", "See the records"),
    "done.types_fetched": LocalizedText("已读取收费类型", "Charge types fetched"),
    "audit.park.charge_types": LocalizedText("读取收费类型", "fetched charge types"),
}
