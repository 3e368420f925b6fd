"""Texts of held replaces and of a park's signatures."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "held.title": LocalizedText("允许被暂扣的 complete=1", "Approve a held complete=1"),
    "held.list": LocalizedText("被暂扣的 complete=1", "Held replaces (complete=1)"),
    "held.lead": LocalizedText(
        "与此前的某次全量替换完全相同，而其后已有其他数据：可能是有人截获后重放的。请先向车场核实，再决定是否允许。",
        "The same replace arrived before, and more was stored since: an attacker may have recorded and replayed it. "
        "Ask the park before you approve one.",
    ),
    "held.first": LocalizedText("首次", "First"),
    "held.last": LocalizedText("最近", "Last"),
    "held.times": LocalizedText("次数", "Times"),
    "held.state": LocalizedText("状态", "State"),
    "held.waiting": LocalizedText("待确认", "waits for approval"),
    "held.allowed": LocalizedText("已允许", "approved"),
    "held.look": LocalizedText("查看", "Review"),
    "held.then": LocalizedText("执行后", "Afterwards"),
    "held.note.1": LocalizedText(
        "车场在一天内再次发送同样的请求时，执行一次：当前的 {now} 条记录不再可见，改为请求中的 {then} 条。",
        "It is carried out once, if the park sends the same request again within a day: its {then} records replace the {now} "
        "current ones.",
    ),
    "held.note.2": LocalizedText(
        "请先向车场核实：请求可能是有人在网络上截获后重放的。改用 HMAC 签名的车场不会遇到暂扣。",
        "Ask the park first: an attacker may have recorded the request on the network. Requests signed with HMAC are never held.",
    ),
    "held.do": LocalizedText("允许执行一次", "Approve once"),
    "held.allowed.note": LocalizedText(
        "已允许：车场在 {time} 之前再次发送同样的请求时执行；执行任何全量替换后失效",
        "Approved: it is carried out if the park sends the same request again before {time}; any replace that is carried out "
        "ends the approval",
    ),
    "held.disallow": LocalizedText("撤回允许", "Withdraw the approval"),
    "held.dismiss": LocalizedText("忽略", "Dismiss"),
    "held.dismiss.note": LocalizedText(
        "不再列出，正文一并删除，已给出的允许随之撤回。同样的请求再次到达时仍会暂扣并重新列出，次数继续累计。",
        "It is no longer listed, its body is deleted, and an approval is withdrawn. If the same request comes again, it is held "
        "and listed again, and its count goes on.",
    ),
    "held.dismiss.do": LocalizedText("忽略这个请求", "Dismiss this request"),
    "held.gone": LocalizedText(
        "最近变更的 {looked} 条记录中有 {n} 条不在其中", "{n} of the newest {looked} records are not in it"
    ),
    "held.gone.shown": LocalizedText("列出 {n} 条", "{n} listed"),
    "request.held": LocalizedText("这个全量替换被暂扣，等待确认。", "This replace is held for approval."),
    "park.guard": LocalizedText("重复的 complete=1", "Repeated complete=1"),
    "park.guard.on": LocalizedText("暂扣，待确认", "held for approval"),
    "park.guard.off": LocalizedText("照常执行", "carried out"),
    "park.signs": LocalizedText("签名方式", "Signs with"),
    "park.signs.n": LocalizedText("HMAC {hmac} 次，MD5 {md5} 次", "HMAC {hmac}, MD5 {md5}"),
    "park.signs.bound": LocalizedText(
        "近 {days} 天的推送，至多最近 {n} 个请求", "pushes of the last {days} days, at most {n} requests"
    ),
    "park.signs.md5": LocalizedText("最近一次 MD5：{time}", "last MD5: {time}"),
    "park.require_hmac": LocalizedText("只接受 HMAC 签名", "Accept HMAC signatures only"),
    "park.require_hmac.only": LocalizedText("只接受 HMAC", "HMAC only"),
    "park.require_hmac.safe": LocalizedText(
        "近 {days} 天的推送全部用 HMAC 签名，可以开启；开启后 MD5 签名会被拒绝（401）",
        "every push of the last {days} days was signed with HMAC: it is safe to switch on. MD5 signatures are then rejected (401)",
    ),
    "park.require_hmac.unsafe": LocalizedText(
        "近 {days} 天有推送用 MD5 签名，最近一次 {time}；开启后这样的推送会被拒绝（401）",
        "some pushes of the last {days} days were signed with MD5, the last at {time}; once this is on, such pushes are "
        "rejected (401)",
    ),
    "park.require_hmac.unknown": LocalizedText(
        "近 {days} 天没有推送；开启后 MD5 签名会被拒绝（401）",
        "no push in the last {days} days; once this is on, MD5 signatures are rejected (401)",
    ),
    "park.hold_replaces": LocalizedText("暂扣重复的 complete=1", "Hold repeated complete=1"),
    "park.hold_replaces.hint": LocalizedText(
        "用 MD5 签名、与此前某次完全相同、其后又有数据的全量替换暂不执行，等待确认，以防有人重放截获的请求。"
        "只能识别平台收到过的请求：截获后被拦下、从未到达的全量替换无法识别；"
        "请求日志过期后（request_log_days，默认 400 天）也无法识别",
        "a repeated replace signed with MD5 waits for approval if more was stored since its first arrival: a recorded request "
        "must not replace the records. Only requests that arrived are known: a replace that was recorded and intercepted is "
        "not held, nor is one that is no longer in the request log (request_log_days, 400 by default)",
    ),
    "done.replace_dismissed": LocalizedText(
        "已忽略；同样的请求再次到达时重新列出", "Dismissed; if the same request comes again, it is listed again"
    ),
    "done.replace_allowed": LocalizedText(
        "已允许；车场在一天内再次发送同样的请求时执行一次",
        "Approved; it is carried out once, if the park sends it again within a day",
    ),
    "done.replace_disallowed": LocalizedText("已撤回允许", "Approval withdrawn; it is held again"),
}
