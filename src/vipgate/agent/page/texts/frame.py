"""Texts of every page: frame, navigation, buttons."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "app": LocalizedText("车场代理", "Car park agent"),
    "skip": LocalizedText("跳到主要内容", "Skip to content"),
    "nav": LocalizedText("主导航", "Main"),
    "nav./": LocalizedText("运行情况", "Status"),
    "nav./dead": LocalizedText("死信", "Dead letters"),
    "nav./compare": LocalizedText("核对", "Compare"),
    "nav./setup": LocalizedText("设置", "Set-up"),
    "error.title": LocalizedText("未能完成", "That did not work"),
    "error.back": LocalizedText("回到运行情况", "To the status"),
    "error.setup": LocalizedText("打开设置", "To the set-up"),
    "faults": LocalizedText("请更正标出的内容", "Please correct the marked fields"),
    "figures": LocalizedText("数据表", "Figures"),
    "day": LocalizedText("时间", "Time"),
    "total": LocalizedText("合计", "Total"),
    "chart.week": LocalizedText("时段", "Period"),
    "crumbs": LocalizedText("上级页面", "Breadcrumbs"),
    "period.hint": LocalizedText("北京日期，例如 2026-11-24", "Beijing day such as 2026-11-24"),
    "page.next": LocalizedText("下一页", "Next page"),
    "job.running": LocalizedText("正在读取数据源：{span}前开始。", "Reading the source: begun {span} ago."),
    "job.running.rows": LocalizedText(
        "正在读取数据源：已读 {n} 行，{span}前开始。", "Reading the source: {n} rows so far, begun {span} ago."
    ),
    "job.refreshes": LocalizedText("本页每 3 秒自动刷新。", "This page reloads every 3 seconds."),
    "job.failed": LocalizedText("未能完成：{reason}", "Not completed: {reason}"),
    "cancel": LocalizedText("返回，不做更改", "Back, change nothing"),
}
