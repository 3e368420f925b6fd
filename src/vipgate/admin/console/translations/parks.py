"""The texts of the pages about parks."""

from __future__ import annotations

from typing import Final

from vipgate.errors import Words

TEXTS: Final = {
    "parks.title": Words("车场", "Parks"),
    "parks.add": Words("登记车场", "Register a park"),
    "parks.none_yet": Words("还没有登记车场。", "No park is registered yet."),
    "parks.search": Words("名称或 park_uuid", "Name or park_uuid"),
    "parks.mark": Words("状态", "Health"),
    "parks.mark.any": Words("全部", "Any"),
    "parks.filter": Words("筛选", "Filter"),
    "park.health": Words("状态", "Health"),
    "park.last_push": Words("最近推送", "Last push"),
    "park.quiet": Words("已静默", "Quiet for"),
    "park.usual_gap": Words("通常间隔", "Usual gap"),
    "park.refused_share": Words("近两日被拒", "Refused, 2 days"),
    "park.records": Words("当前记录", "Records now"),
}
