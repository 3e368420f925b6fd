"""Texts of the list of parks."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "parks.title": LocalizedText("车场", "Parks"),
    "parks.add": LocalizedText("登记车场", "Register a park"),
    "parks.none_yet": LocalizedText("还没有登记车场。", "No park is registered yet."),
    "parks.search": LocalizedText("名称或 park_uuid", "Name or park_uuid"),
    "parks.mark": LocalizedText("状态", "Health"),
    "parks.mark.any": LocalizedText("全部", "Any"),
    "parks.filter": LocalizedText("筛选", "Filter"),
    "park.health": LocalizedText("状态", "Health"),
    "park.last_push": LocalizedText("最近推送", "Last push"),
    "park.quiet": LocalizedText("已静默", "Silent for"),
    "park.usual_gap": LocalizedText("通常间隔", "Usual gap"),
    "park.rejected_share": LocalizedText("近两日被拒", "Rejected, 2 days"),
    "park.records": LocalizedText("当前记录", "Records now"),
}
