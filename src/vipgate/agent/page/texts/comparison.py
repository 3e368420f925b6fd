"""Texts of the comparison."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "compare.lead": LocalizedText(
        "按月核对数据源与平台：先比较条数、金额和摘要，再逐条找出差异。会读取整个数据源，不改动任何一方。",
        "Compares source and platform month by month: first by counts, money and digests, then record by record. It reads the "
        "whole source and changes neither side.",
    ),
    "compare.do": LocalizedText("开始核对", "Compare"),
    "compare.again": LocalizedText("重新核对", "Compare again"),
    "compare.repair": LocalizedText("补发缺少和不同的记录", "Send what is missing and different"),
    "compare.repair.hint": LocalizedText(
        "再核对一遍，并把缺少和不同的 {n} 条交给代理发送。",
        "Compares once more and gives the {n} records to the agent.",
    ),
    "compare.alike": LocalizedText("两边完全一致：{n} 条。", "Both sides hold the same {n} records."),
    "compare.differ": LocalizedText(
        "平台缺少 {missing} 条，内容不同 {different} 条，只在平台上有 {extra} 条。",
        "{missing} are missing on the platform, {different} are different, {extra} are only on the platform.",
    ),
    "compare.only.left_out": LocalizedText(
        "只在平台上的记录中，{n} 条的行仍在数据源中，但被过滤条件排除：请先确认过滤条件是否正确。"
        "确实不该有的（如已退款），只有“替换”才能去掉。",
        "Of those only on the platform, {n} have a row at the source that a filter leaves out: look at the filter first. What "
        "should not be there (a refund) only a replace removes.",
    ),
    "compare.only.refused": LocalizedText(
        "只在平台上的记录中，{n} 条的行在数据源中，但现在无法发送，见死信。",
        "Of those only on the platform, {n} have a row at the source that cannot be sent now: see dead letters.",
    ),
    "compare.only.unknown": LocalizedText(
        "只在平台上的记录中，{n} 条的原因不明：不发送的行太多，没有全部记住。",
        "Of those only on the platform, {n} are not explained: too many rows are not sent for all of them to be remembered.",
    ),
    "compare.only.gone": LocalizedText(
        "只在平台上的记录中，{n} 条在数据源中已经没有（被删除，或订单号改了）。接口没有删除功能，只有“替换”才能去掉它们。",
        "Of those only on the platform, {n} are no longer at the source (deleted, or with another order number). The interface has "
        "no deletion: only a replace removes them.",
    ),
    "compare.erased": LocalizedText(
        "{n} 条在平台上已清除个人信息，其余内容一致。",
        "{n} have their personal data erased on the platform; the rest is equal.",
    ),
    "compare.wrong": LocalizedText(
        "数据源中有 {n} 行无法发送，见死信。", "{n} rows of the source cannot be sent: see dead letters."
    ),
    "compare.queued": LocalizedText("已把 {n} 条交给代理发送。", "{n} records were given to the agent."),
    "compare.at": LocalizedText("核对时间：{time}。", "Compared at {time}."),
    "compare.months": LocalizedText("各月", "Months"),
    "compare.month": LocalizedText("月份", "Month"),
    "compare.here": LocalizedText("数据源（条）", "Records at the source"),
    "compare.there": LocalizedText("平台（条）", "On the platform"),
    "compare.money.here": LocalizedText("数据源（元）", "Yuan at the source"),
    "compare.money.there": LocalizedText("平台（元）", "Yuan on the platform"),
    "compare.state": LocalizedText("结果", "Result"),
    "compare.same": LocalizedText("一致", "equal"),
    "compare.other": LocalizedText("不同", "differs"),
    "compare.missing": LocalizedText("平台缺少", "Missing on the platform"),
    "compare.different": LocalizedText("内容不同", "Different"),
    "compare.only_there": LocalizedText("只在平台上", "Only on the platform"),
    "compare.more": LocalizedText("另有 {n} 条", "and {n} more"),
}
