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
    "requests.kind.refused": LocalizedText("仅被拒绝", "Refused only"),
    "requests.kind.strangers": LocalizedText("未证明身份的来源", "Strangers"),
    "requests.since": LocalizedText("从", "From"),
    "requests.until": LocalizedText("到", "to"),
    "requests.none": LocalizedText("没有符合条件的请求", "No request fits"),
    "requests.short": LocalizedText(
        "已查看到 {time}，找到 {n} 条；更早的还没有查看。",
        "Looked back to {time} and found {n}; what is older has not been looked at yet.",
    ),
    "requests.go_on": LocalizedText("继续查找更早的请求", "Look further back"),
    "requests.answer": LocalizedText("应答", "Answer"),
    "requests.rows": LocalizedText("行数", "Rows"),
    "requests.why": LocalizedText("原因", "Why"),
    "requests.more": LocalizedText("另有 {n} 处", "{n} more"),
    "requests.claimed": LocalizedText("自称 {park}", "claims {park}"),
    "requests.stored": LocalizedText(
        "新增 {inserted}，更新 {updated}，未变 {unchanged}", "{inserted} new, {updated} changed, {unchanged} same"
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
        "已隐藏：可据此试出车牌；显示完整车牌后可见", "hidden: plates could be tried against it; shown with plates"
    ),
    "request.secret": LocalizedText("签名密钥", "Signed with"),
    "request.complete": LocalizedText("全量替换（complete=1）", "Replaced the stock (complete=1)"),
    "request.stranger": LocalizedText("身份未证明", "not proved"),
    "request.outcome": LocalizedText("结果", "Outcome"),
    "request.nothing": LocalizedText("什么也没有保存", "nothing was stored"),
    "request.generation": LocalizedText("写入批次", "Into stock"),
    "request.replay_of": LocalizedText("重放自", "Sent again from"),
    "request.replays": LocalizedText("已重放为", "Sent again as"),
    "request.faults": LocalizedText("错误", "What was wrong"),
    "request.place": LocalizedText("位置", "Place"),
    "request.rule": LocalizedText("要求", "Rule"),
    "request.value": LocalizedText("收到的值", "What came"),
    "request.doctor": LocalizedText("用签名诊断检查", "Check it with the signature doctor"),
    "request.written": LocalizedText("写入的记录", "Records it wrote"),
    "request.written.hint": LocalizedText(
        "此后没有再变更过的记录，最多列出 {n} 条", "those that have not changed since, {n} at most"
    ),
    "request.body": LocalizedText("正文", "Body"),
    "request.body.none": LocalizedText(
        "没有保留正文：只保留已验证身份的车场最近一些被拒绝（400）或被暂扣的请求的正文；重复到达的暂扣请求只保留首次的。",
        "No body is kept: only those of the last requests of parks whose signature was right that were refused (400) or held, "
        "and of a held one that came again the first alone.",
    ),
    "request.body.rows": LocalizedText(
        "正文共 {total} 行，太长，这里只列出提示中的行；其余各行按原样重放。",
        "The body has {total} rows, too many to show; these are the ones that the hint names. The others are sent as they came.",
    ),
    "request.body.unreadable": LocalizedText(
        "正文无法按行读取，其中的车牌无法隐藏。请先显示完整车牌。",
        "The body cannot be read row by row, so the plates in it cannot be hidden. Have plates shown to see it.",
    ),
    "request.body.hidden": LocalizedText(
        "车牌、卡号和操作员已隐藏。不改动隐藏的值即表示保持原值。",
        "Plates, cards and operators are hidden. A hidden value that you leave as it is stays what it was.",
    ),
    "request.body.download": LocalizedText("下载原文", "Download as it came"),
    "request.row": LocalizedText("第 {n} 行（row[{n}]）", "row[{n}]"),
    "replay.title": LocalizedText("更正并重放", "Fix it and send it again"),
    "replay.lead": LocalizedText(
        "以该车场的名义，用新的流水号再走一遍与推送相同的检查和保存。通过后写入台账，并注明原请求。",
        "Goes through the checks of a push, for this park and under a new seqno. What passes is stored and names this request.",
    ),
    "replay.body": LocalizedText("要重放的正文（JSON）", "Body to send (JSON)"),
    "replay.do": LocalizedText("重放", "Send it again"),
    "replay.sure": LocalizedText("确认重放", "Yes, send it"),
    "replay.complete": LocalizedText(
        "complete=1 会替换整批存量：当前的 {now} 条记录不再可见，改为这 {then} 条。旧存量保留 {days} 天，期间可以恢复。"
        "若只想补上这些记录，请把 complete 改为 0。",
        "complete=1 replaces the whole stock: the {now} records of now are no longer seen; these {then} are, instead. "
        "The old stock can be restored for {days} days. To add these records only, set complete to 0.",
    ),
    "replay.overtaken": LocalizedText(
        "有 {n} 个订单号在这个请求之后已有更新的内容，重放会把它们改回这里的旧内容：",
        "{n} order numbers have been written by a later request; sending this again would turn them back to what it says:",
    ),
    "replay.overtaken.more": LocalizedText("等", "and others"),
    "replay.overtaken.looked": LocalizedText("只核对了前 {n} 行", "only the first {n} rows were compared"),
    "done.replayed": LocalizedText("已重放并保存", "It was sent again and is stored"),
    "done.replay_refused": LocalizedText(
        "重放仍被拒绝，什么也没有保存；原因如下，可以继续更正",
        "It was refused again and nothing was stored; fix it further below",
    ),
    "deed.request.replay": LocalizedText("重放请求", "sent a request again"),
}
