"""Texts of the vehicles page."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "nav.vehicles": LocalizedText("车辆", "Vehicles"),
    "park.tab.vehicles": LocalizedText("车辆", "Vehicles"),
    "vehicles.title": LocalizedText("车辆", "Vehicles"),
    "vehicles.lead": LocalizedText(
        "输入车牌或卡号，查看现在是否有效、有效到什么时候；填写车场则列出它的全部车辆。",
        "Enter a plate or a card to see whether it is valid now, and until when; enter a park to list all its vehicles.",
    ),
    "vehicles.q": LocalizedText("车牌或卡号", "Plate or card"),
    "vehicles.state": LocalizedText("状态", "State"),
    "vehicles.state.all": LocalizedText("全部", "All"),
    "vehicles.state.valid": LocalizedText("有效", "valid"),
    "vehicles.state.expiring": LocalizedText("7 天内到期", "ends within 7 days"),
    "vehicles.state.expired": LocalizedText("已到期", "expired"),
    "vehicles.state.none": LocalizedText("未生效", "not valid"),
    "vehicles.none": LocalizedText("没有找到这个车牌或卡号的记录", "No record has this plate or card"),
    "vehicles.none.listed": LocalizedText("没有符合条件的车辆", "No matching vehicles"),
    "vehicles.looked": LocalizedText("检查了 {n} 辆，符合条件的 {found} 辆。", "Checked {n} vehicles; {found} match."),
    "vehicles.pass": LocalizedText("依据的续费", "Based on"),
    "vehicles.until": LocalizedText("有效至", "Valid until"),
    "vehicles.forever": LocalizedText("无期限", "no end"),
    "vehicles.left": LocalizedText("还有 {n} 天", "{n} days left"),
    "vehicles.today": LocalizedText("24 小时内", "within 24 hours"),
    "vehicles.ago": LocalizedText("{n} 天前", "{n} days ago"),
    "vehicles.bought": LocalizedText("已购 {what}", "bought {what}"),
    "vehicles.bought.hint": LocalizedText(
        "平台知道买了多少，不知道用了多少", "the platform knows what was bought, not what was used"
    ),
    "vehicles.kind.plate": LocalizedText("车牌", "plate"),
    "vehicles.kind.card_no": LocalizedText("逻辑卡号", "card number"),
    "vehicles.kind.card_id": LocalizedText("物理卡号", "card id"),
}
