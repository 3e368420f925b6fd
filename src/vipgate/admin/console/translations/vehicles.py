"""The texts of the page about vehicles."""

from __future__ import annotations

from typing import Final

from vipgate.errors import Words

TEXTS: Final = {
    "nav.vehicles": Words("车辆", "Vehicles"),
    "park.tab.vehicles": Words("车辆", "Vehicles"),
    "vehicles.title": Words("车辆", "Vehicles"),
    "vehicles.lead": Words(
        "输入车牌或卡号，查看现在是否有效、到什么时候；填写车场可以列出它的全部车辆。",
        "Type a plate or a card to see whether it is valid now and until when; fill in a park to list all its vehicles.",
    ),
    "vehicles.q": Words("车牌或卡号", "Plate or card"),
    "vehicles.state": Words("状态", "State"),
    "vehicles.state.all": Words("全部", "All"),
    "vehicles.state.valid": Words("有效", "valid"),
    "vehicles.state.expiring": Words("7 天内到期", "ends within 7 days"),
    "vehicles.state.expired": Words("已到期", "expired"),
    "vehicles.state.none": Words("未生效", "not valid"),
    "vehicles.none": Words("没有找到这个车牌或卡号的记录", "No record has this plate or card"),
    "vehicles.none.listed": Words("没有符合条件的车辆", "No vehicle fits"),
    "vehicles.looked": Words("查看了 {n} 辆，符合 {found} 辆。", "Looked at {n} vehicles; {found} fit."),
    "vehicles.pass": Words("依据的续费", "By this pass"),
    "vehicles.until": Words("有效至", "Valid until"),
    "vehicles.forever": Words("无期限", "no end"),
    "vehicles.left": Words("还有 {n} 天", "{n} days left"),
    "vehicles.today": Words("24 小时内", "within 24 hours"),
    "vehicles.ago": Words("{n} 天前", "{n} days ago"),
    "vehicles.bought": Words("已购 {what}", "bought {what}"),
    "vehicles.bought.hint": Words(
        "平台知道买了多少，不知道用了多少", "the platform knows what was bought, not what was used"
    ),
    "vehicles.kind.plate": Words("车牌", "plate"),
    "vehicles.kind.card_no": Words("逻辑卡号", "card number"),
    "vehicles.kind.card_id": Words("物理卡号", "card id"),
}
