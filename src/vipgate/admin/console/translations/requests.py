"""Texts of the request pages and of replays."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "nav.requests": LocalizedText("推送请求", "Requests"),
    "park.tab.requests": LocalizedText("请求", "Requests"),
    "requests.title": LocalizedText("推送请求", "Requests"),
    "requests.seqno": LocalizedText("请求流水号", "Seqno"),
    "requests.kind.all": LocalizedText("全部", "All"),
    "requests.kind.rejected": LocalizedText("仅被拒绝", "Rejected only"),
    "requests.kind.strangers": LocalizedText("未通过身份验证的来源", "Unauthenticated"),
    "requests.since": LocalizedText("从", "From"),
    "requests.until": LocalizedText("到", "to"),
    "requests.none": LocalizedText("没有符合条件的请求", "No matching requests"),
    "requests.short": LocalizedText(
        "已查找到 {time}，找到 {n} 条；更早的尚未查找。",
        "Searched back to {time} and found {n}; older requests have not been searched yet.",
    ),
    "requests.go_on": LocalizedText("继续查找更早的请求", "Search further back"),
    "requests.answer": LocalizedText("应答", "Answer"),
    "requests.rows": LocalizedText("行数", "Rows"),
    "requests.why": LocalizedText("原因", "Why"),
    "requests.more": LocalizedText("另有 {n} 处", "{n} more"),
    "requests.claimed": LocalizedText("自称 {park}", "claims {park}"),
    "requests.stored": LocalizedText(
        "新增 {inserted}，更新 {updated}，未变 {unchanged}", "{inserted} new, {updated} changed, {unchanged} unchanged"
    ),
    "requests.replay": LocalizedText("重放", "replay"),
    "request.title": LocalizedText("请求 {seqno}", "Request {seqno}"),
    "request.facts": LocalizedText("请求", "Request"),
    "request.received": LocalizedText("收到时间", "Received"),
    "request.took": LocalizedText("处理用时", "Took"),
    "request.took.ms": LocalizedText("{n} 毫秒", "{n} ms"),
    "request.peer": LocalizedText("来源", "From"),
    "request.bytes": LocalizedText("正文", "Body"),
    "request.bytes.n": LocalizedText("{n} 字节", "{n} bytes"),
    "request.sha256": LocalizedText("正文 SHA-256", "SHA-256 of the body"),
    "request.sha256.hidden": LocalizedText(
        "已隐藏：可能据此试出车牌；显示完整车牌后可见",
        "hidden: guessed plates could be tested against it; shown when plates are shown",
    ),
    "request.secret": LocalizedText("签名密钥", "Signed with"),
    "request.complete": LocalizedText("全量替换（complete=1）", "Full replace (complete=1)"),
    "request.stranger": LocalizedText("未通过身份验证", "not authenticated"),
    "request.outcome": LocalizedText("结果", "Outcome"),
    "request.nothing": LocalizedText("未保存任何内容", "nothing was stored"),
    "request.generation": LocalizedText("写入的存量批次", "Generation"),
    "request.replay_of": LocalizedText("重放自", "Replay of"),
    "request.replays": LocalizedText("已重放为", "Replayed as"),
    "request.faults": LocalizedText("错误", "Errors"),
    "request.place": LocalizedText("位置", "Place"),
    "request.rule": LocalizedText("要求", "Rule"),
    "request.value": LocalizedText("收到的值", "Received"),
    "request.signature_check": LocalizedText("用签名诊断检查", "Open the signature check"),
    "request.written": LocalizedText("写入的记录", "Records written"),
    "request.written.hint": LocalizedText(
        "此后没有再变更的记录，最多列出 {n} 条", "those that have not changed since, at most {n}"
    ),
    "request.body": LocalizedText("正文", "Body"),
    "request.body.none": LocalizedText(
        "没有保留正文：只为通过身份验证的车场保留最近一些被拒绝（400）或被暂扣的请求的正文；重复到达的被暂扣请求只保留首次的正文。",
        "No body is kept. Bodies are kept only of recent requests of authenticated parks that were rejected (400) or held; "
        "of a repeated held request only the first body.",
    ),
    "request.body.rows": LocalizedText(
        "正文共 {total} 行，太长，这里只列出提示中的行；其余各行按原样重放。",
        "The body has {total} rows, too many to show; these are the rows that the hint names. The others are replayed unchanged.",
    ),
    "request.body.unreadable": LocalizedText(
        "正文无法按行读取，其中的车牌无法隐藏。请先显示完整车牌。",
        "The body cannot be read row by row, so its plates cannot be hidden. Show plates first.",
    ),
    "request.body.hidden": LocalizedText(
        "车牌、卡号和操作员已隐藏。隐藏的值不改动，就保持原值。",
        "Plates, cards and operators are hidden. A hidden value that you do not change keeps its original value.",
    ),
    "request.body.download": LocalizedText("下载原文", "Download the original"),
    "request.row": LocalizedText("第 {n} 行（row[{n}]）", "row[{n}]"),
    "replay.title": LocalizedText("更正并重放", "Correct and replay"),
    "replay.lead": LocalizedText(
        "以该车场的名义，用新的请求流水号，按与推送相同的步骤检查并保存。通过后写入台账，并注明原请求。",
        "Runs the checks of a push, for this park and under a new seqno. What passes is stored and refers to this request.",
    ),
    "replay.body": LocalizedText("要重放的正文（JSON）", "Body to replay (JSON)"),
    "replay.do": LocalizedText("重放", "Replay"),
    "replay.sure": LocalizedText("确认重放", "Confirm the replay"),
    "replay.complete": LocalizedText(
        "complete=1 会替换全部记录：当前的 {now} 条记录不再可见，改为这 {then} 条。当前的存量批次保留 {days} 天，期间可以恢复。"
        "若只想补上这些记录，请把 complete 改为 0。",
        "complete=1 replaces all records: these {then} records replace the {now} current ones. "
        "The current generation can be restored for {days} days. To add only these records, set complete to 0.",
    ),
    "replay.overtaken": LocalizedText(
        "有 {n} 个订单号在这个请求之后已有更新的内容，重放会把它们改回这里的旧内容：",
        "{n} order numbers were changed by later requests; this replay would revert them to its older content:",
    ),
    "replay.overtaken.more": LocalizedText("等", "and others"),
    "replay.overtaken.looked": LocalizedText("只核对了前 {n} 行", "only the first {n} rows were checked"),
    "done.replayed": LocalizedText("已重放并保存", "Replayed and stored"),
    "done.replay_rejected": LocalizedText(
        "重放仍被拒绝，未保存任何内容；原因如下，可以继续更正",
        "The replay was rejected too, and nothing was stored; correct it below",
    ),
    "audit.request.replay": LocalizedText("重放请求", "replayed a request"),
}
