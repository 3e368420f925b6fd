"""Texts of the preview."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "step.preview": LocalizedText("预览", "Preview"),
    "preview.lead": LocalizedText(
        "下面是将要发送的内容；预览本身不发送任何记录。",
        "This is what would be sent; the preview itself sends nothing.",
    ),
    "preview.counts": LocalizedText(
        "数据源的前 {n} 行：{ready} 条可以发送，{dead} 行会被拒绝。",
        "Of the first {n} rows of the source {ready} can be sent, {dead} would be refused.",
    ),
    "preview.left_out": LocalizedText(
        "过滤条件排除 {n} 行，它们不发送。", "The filters leave out {n}: they are not sent."
    ),
    "preview.merged": LocalizedText(
        "{n} 行与另一行的订单号相同，每个订单号只发送一条。",
        "{n} have the order number of another row: each order number is sent once.",
    ),
    "readable.yuan": LocalizedText("{n} 元", "{n} yuan"),
    "preview.refused": LocalizedText("会被拒绝的行", "Rows that would be refused"),
    "preview.refused.hint": LocalizedText(
        "在字段映射中补充，或在停车系统中更正；启动后它们进入死信，不影响其他记录。",
        "Complete the mapping, or fix the rows at their source. Once started they become dead letters and do not hold up others.",
    ),
    "preview.refused.rows": LocalizedText("行数", "Rows"),
    "preview.refused.first": LocalizedText("第一行的位置", "Place of the first"),
    "preview.more": LocalizedText(
        "另有 {n} 行会被拒绝，原因未列出", "{n} more rows would be refused; their reasons are not listed"
    ),
    "preview.records": LocalizedText("前 {n} 条记录", "The first {n} records"),
}
