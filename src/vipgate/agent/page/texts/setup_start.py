"""Texts of the set-up's steps and of its last one."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "steps": LocalizedText("设置步骤", "Steps of the set-up"),
    "step.is_done": LocalizedText("（已完成）", "(done)"),
    "step.start": LocalizedText("检查与启动", "Check and start"),
    "questions.open": LocalizedText("还有 {n} 个问题没有回答：", "Questions that are not answered: {n}"),
    "start.blocked": LocalizedText(
        "请先回答关于发送内容的问题，然后才能启动。",
        "Answer the questions about what is sent first; then the agent can be started.",
    ),
    "check.lead": LocalizedText(
        "逐项检查磁盘、数据源、映射、网络、时钟和签名，并像运行时一样读取数据源（最多约 20 秒）。不发送任何记录。",
        "Checks disk, source, mapping, network, clock and signature, and reads the source as a run does, for about 20 seconds at "
        "most. It sends no record.",
    ),
    "check.do": LocalizedText("开始检查", "Check"),
    "check.again": LocalizedText("重新检查", "Check again"),
    "check.good": LocalizedText("全部通过，可以启动。", "All is well: the agent can be started."),
    "check.warned": LocalizedText(
        "没有错误，可以启动；有 {n} 项提醒，请先看一看。",
        "No fault: the agent can be started. Warnings to look at first: {n}.",
    ),
    "check.blocked": LocalizedText(
        "没有错误；但还有问题没有回答，所以不能启动。",
        "No fault, but questions are not answered: the agent cannot be started.",
    ),
    "check.faults": LocalizedText(
        "有 {n} 项需要更正；启动前请先处理。", "Findings to put right before the start: {n}."
    ),
    "check.other_language": LocalizedText(
        "以下说明是用检查时的语言写的；重新检查后显示为中文。",
        "The findings are in the language of the check; check again to read them in English.",
    ),
    "check.list": LocalizedText("检查结果", "Findings"),
    "check.what": LocalizedText("项目", "What"),
    "check.result": LocalizedText("结果", "Result"),
    "check.found": LocalizedText("说明", "Found"),
    "check.ok": LocalizedText("正常", "OK"),
    "check.warn": LocalizedText("提醒", "warning"),
    "check.fix": LocalizedText("需更正", "to fix"),
    "check.of.config": LocalizedText("配置文件", "Configuration"),
    "check.of.spool": LocalizedText("磁盘", "Disk"),
    "check.of.rights": LocalizedText("文件权限", "Rights"),
    "check.of.source": LocalizedText("数据源", "Source"),
    "check.of.mapping": LocalizedText("字段映射", "Mapping"),
    "check.of.network": LocalizedText("网络", "Network"),
    "check.of.clock": LocalizedText("时钟", "Clock"),
    "check.of.signature": LocalizedText("签名", "Signature"),
    "start.unknown": LocalizedText("数量未知", "number unknown"),
    "start.add": LocalizedText("新增和更新（推荐）", "Add and update (recommended)"),
    "start.rows": LocalizedText("数据源的行（{here}）", "the rows of the source ({here})"),
    "start.rows.whole": LocalizedText("数据源的全部 {here} 行", "all {here} rows of the source"),
    "start.rows.all": LocalizedText(
        "数据源全部 {here} 行中可以发送的 {ready} 行（{left_out} 行被过滤条件排除，{dead} 行会被拒绝，{merged} 行的订单号与"
        "另一行相同）",
        "{ready} of the {here} rows of the source (the filters leave out {left_out}, {dead} would be refused, {merged} have the "
        "order number of another row)",
    ),
    "start.rows.part": LocalizedText(
        "数据源（共 {here} 行）中可以发送的行；已检查前 {n} 行：可以发送 {ready} 行，{left_out} 行被过滤条件"
        "排除，{dead} 行会被拒绝",
        "the rows of the source ({here}) that can be sent: of the first {n}, which were looked at, {ready}; the filters leave out "
        "{left_out}, {dead} would be refused",
    ),
    "start.add.text": LocalizedText(
        "发送{rows}；平台上已有的记录（{there}）保留，订单号相同的会更新。",
        "Sends {rows}. Records on the platform ({there}) stay; those with the same order number are updated.",
    ),
    "start.add.do": LocalizedText("启动", "Start"),
    "start.replace": LocalizedText("替换", "Replace"),
    "start.replace.text": LocalizedText(
        "先删除平台上本车场的全部记录（{there}），再发送{rows}。没有再次发送的记录会消失。",
        "First deletes all records of this park on the platform ({there}), then sends {rows}. Records that are not sent "
        "again are gone.",
    ),
    "start.replace.park": LocalizedText("车场 {park}，平台 {url}。", "Park {park} on the platform {url}."),
    "start.replace.do": LocalizedText("删除并重新发送", "Delete and send again"),
    "start.replace.sure": LocalizedText(
        "我确定要删除平台上的全部记录", "I am sure that all records on the platform are to be deleted"
    ),
}
