"""Texts of held replaces and of a park's signatures."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "held.title": LocalizedText("允许被暂扣的 complete=1", "Let a held complete=1 through"),
    "held.list": LocalizedText("被暂扣的 complete=1", "Held replaces (complete=1)"),
    "held.lead": LocalizedText(
        "与此前的全量替换完全相同，其后已有其他数据：可能是他人录下后重放的。先向车场核实，再决定是否允许。",
        "The same replace came before, and more was stored since: somebody may have recorded it and plays it again. "
        "Ask the park whether it meant to before you let one through.",
    ),
    "held.first": LocalizedText("首次", "First"),
    "held.last": LocalizedText("最近", "Last"),
    "held.times": LocalizedText("次数", "Times"),
    "held.state": LocalizedText("状态", "State"),
    "held.waiting": LocalizedText("待确认", "waits for a yes"),
    "held.allowed": LocalizedText("已允许", "allowed"),
    "held.look": LocalizedText("查看", "Look"),
    "held.then": LocalizedText("执行后", "Then"),
    "held.told.1": LocalizedText(
        "车场在一天内再次发送同样的请求时执行一次：当前的 {now} 条记录不再可见，改为其中的 {then} 条。",
        "It is carried out once, when the park sends the same again within a day: the {now} records of now are no longer seen; "
        "its {then} are, instead.",
    ),
    "held.told.2": LocalizedText(
        "先向车场核实：请求可能是他人在线路上录下后重放的。改用 HMAC 签名的车场不会遇到暂扣。",
        "Ask the park first: somebody may have recorded the request on the line. Nothing that HMAC signs is held.",
    ),
    "held.do": LocalizedText("允许执行一次", "Let it through once"),
    "held.allowed.told": LocalizedText(
        "已允许：车场在 {time} 之前再次发送同样的请求时执行；执行任何全量替换后失效",
        "Allowed: it is carried out when the park sends the same again before {time}; any replace that is carried out ends this",
    ),
    "held.disallow": LocalizedText("撤回允许", "Take it back"),
    "held.dismiss": LocalizedText("忽略", "Dismiss"),
    "held.dismiss.told": LocalizedText(
        "不再列出，正文一并删除，已给的允许收回。同样的请求再次到达时仍会暂扣并重新列出；次数照计。",
        "It is listed no more, its body is deleted, and a yes to it is withdrawn. If the same request comes again, it is held "
        "and listed again; its times are counted on.",
    ),
    "held.dismiss.do": LocalizedText("忽略这个请求", "Dismiss this request"),
    "held.gone": LocalizedText(
        "最近变更的 {looked} 条记录中有 {n} 条不在其中", "Of the newest {looked} records {n} are not in it"
    ),
    "held.gone.shown": LocalizedText("列出 {n} 条", "{n} are listed"),
    "request.held": LocalizedText("这个全量替换被暂扣，等待确认。", "This replace is held for a yes."),
    "park.guard": LocalizedText("重复的 complete=1", "Repeated complete=1"),
    "park.guard.on": LocalizedText("暂扣，待确认", "held for a yes"),
    "park.guard.off": LocalizedText("照常执行", "carried out"),
    "park.signs": LocalizedText("签名方式", "Signs with"),
    "park.signs.n": LocalizedText("HMAC {hmac} 次，MD5 {md5} 次", "HMAC {hmac}, MD5 {md5}"),
    "park.signs.bound": LocalizedText(
        "近 {days} 天的推送，至多最近 {n} 个请求", "pushes of {days} days, of {n} requests at most"
    ),
    "park.signs.md5": LocalizedText("最近一次 MD5：{time}", "last MD5: {time}"),
    "park.require_hmac": LocalizedText("只接受 HMAC 签名", "Take HMAC signatures only"),
    "park.require_hmac.only": LocalizedText("只接受 HMAC", "HMAC only"),
    "park.require_hmac.safe": LocalizedText(
        "近 {days} 天的推送全部用 HMAC 签名，可以开启；开启后 MD5 签名会被拒绝（401）",
        "HMAC signed every push of {days} days: it is safe to switch on. MD5 is refused then (401)",
    ),
    "park.require_hmac.unsafe": LocalizedText(
        "近 {days} 天有推送用 MD5 签名，最近一次 {time}；开启后这样的推送会被拒绝（401）",
        "MD5 signed pushes in the last {days} days, the last at {time}; once this is on, such pushes are refused (401)",
    ),
    "park.require_hmac.unknown": LocalizedText(
        "近 {days} 天没有推送；开启后 MD5 签名会被拒绝（401）",
        "no push in {days} days; once this is on, MD5 is refused (401)",
    ),
    "park.hold_replaces": LocalizedText("暂扣重复的 complete=1", "Hold a complete=1 that came before"),
    "park.hold_replaces.hint": LocalizedText(
        "用 MD5 签名、与此前完全相同、其后又有数据的全量替换不执行，待确认；防止他人重放录下的请求。"
        "只识别平台收到过的请求：录下后被拦截、从未到达的全量替换不在此列；"
        "请求记录过期后（request_log_days，默认 400 天）也不再识别",
        "a replace that MD5 signs, that came before, and after which more was stored waits for a yes: "
        "a recorded one must not wipe the stock. Only what has arrived is known: a replace that was recorded and kept from "
        "arriving is not held, nor is one that the journal has forgotten (request_log_days, 400 by default)",
    ),
    "done.replace_dismissed": LocalizedText(
        "已忽略；同样的请求再次到达时重新列出", "Dismissed: if the same request comes again, it is listed again"
    ),
    "done.replace_allowed": LocalizedText(
        "已允许；车场在一天内再次发送同样的请求时执行一次",
        "Allowed: it is carried out once, when the park sends it again within a day",
    ),
    "done.replace_disallowed": LocalizedText("已撤回允许", "Taken back: it is held again"),
}
