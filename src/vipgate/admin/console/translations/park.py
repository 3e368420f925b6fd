"""Texts of one park: state, settings, secrets, generations, review."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "ago": LocalizedText("前", "ago"),
    "days.n": LocalizedText("{n} 天", "{n} days"),
    "park.tabs": LocalizedText("车场页面", "Pages of the park"),
    "park.tab.state": LocalizedText("状态", "State"),
    "park.tab.review": LocalizedText("待复核", "To review"),
    "park.tab.settings": LocalizedText("设置", "Settings"),
    "park.note.silent": LocalizedText(
        "已静默 {quiet}，平时约每 {gap} 推送一次；请联系车场检查网络和客户端",
        "Silent for {quiet}; it usually pushes every {gap}. Ask the park to check its network and its client",
    ),
    "park.note.rejected": LocalizedText(
        "近两日有 {share} 的请求被拒绝。", "{share} of its requests of the last two days were rejected."
    ),
    "park.note.requests": LocalizedText("查看原因", "See why"),
    "park.note.old_secret": LocalizedText(
        "车场最近一次仍用旧密钥签名；换用新密钥后再停用旧密钥",
        "Its last push was signed with the old secret; retire the old secret once the park uses the new one",
    ),
    "park.note.never": LocalizedText("还没有收到过推送", "No push has arrived yet"),
    "park.note.disabled": LocalizedText("已停用：推送会被拒绝（401）", "Disabled: its pushes are rejected (401)"),
    "park.facts": LocalizedText("基本情况", "Facts"),
    "park.name": LocalizedText("名称", "Name"),
    "park.created": LocalizedText("登记时间", "Registered"),
    "park.enabled": LocalizedText("启用", "Enabled"),
    "park.enabled.hint": LocalizedText("停用后推送会被拒绝（401）", "pushes of a disabled park are rejected (401)"),
    "park.readonly": LocalizedText("您的账号只能查看设置", "Your account can only view the settings"),
    "park.secret": LocalizedText("密钥", "Secret"),
    "park.secret.valid": LocalizedText("有效密钥", "Valid now"),
    "park.secret.one": LocalizedText("一个", "one"),
    "park.secret.two": LocalizedText("新旧两个密钥都有效", "both the new and the old secret"),
    "park.secret.changed": LocalizedText("更换于", "Changed"),
    "park.secret.used": LocalizedText("最近使用", "Last used"),
    "park.secret.current": LocalizedText("当前密钥", "the current one"),
    "park.secret.previous": LocalizedText("旧密钥", "the old one"),
    "park.allow": LocalizedText("允许列表", "Allow list"),
    "park.allow.any": LocalizedText("不限", "any"),
    "park.allow.hint": LocalizedText(
        "每行一个地址或网段，例如 203.0.113.0/24；留空表示不限",
        "One address or network per line, such as 203.0.113.0/24; empty: any",
    ),
    "park.rate": LocalizedText("每分钟请求上限", "Requests per minute"),
    "park.rate.n": LocalizedText("{n} 次", "{n}"),
    "park.rate.none": LocalizedText("不限", "no limit"),
    "park.rate.hint": LocalizedText("留空表示不限", "Empty: no limit"),
    "park.retention": LocalizedText("个人数据保留天数", "Retention of personal data (days)"),
    "park.retention.none": LocalizedText("一直保留", "forever"),
    "park.retention.hint": LocalizedText(
        "从记录到期或最后一次变更算起，之后清空车牌、卡号和操作员，金额保留；留空表示一直保留",
        "Counted from a record's end or last change; then plate, cards and operator are erased, the money stays. Empty: forever",
    ),
    "park.charge_address": LocalizedText("车场接口地址", "Address of the park's own gateway"),
    "park.charge_address.hint": LocalizedText(
        "用于读取收费类型名称，例如 https://park.example:8443/；可留空",
        "Used to fetch the names of charge types, such as https://park.example:8443/; optional",
    ),
    "park.charset": LocalizedText("正文编码", "Charset"),
    "park.gbk": LocalizedText("正文用 GBK 编码", "Bodies are in GBK"),
    "park.gbk.hint": LocalizedText(
        "不勾选即 UTF-8；请求头声明的编码与此不同的推送会被拒绝（400）。更改编码时请同时更换密钥并停用旧密钥",
        "otherwise UTF-8; a push that declares another charset is rejected (400). "
        "With a change of charset, rotate the secret and retire the old one",
    ),
    "park.new.uuid": LocalizedText("须与车场客户端中的配置完全一致", "Exactly as configured in the park's client"),
    "park.new.name": LocalizedText("便于辨认，例如“海岸城北门”", "A name for people"),
    "park.new.secret": LocalizedText("已有密钥", "Existing secret"),
    "park.new.secret.hint": LocalizedText("留空则生成一个新的", "Empty: a new one is generated"),
    "secret.rotate": LocalizedText("更换密钥", "Rotate the secret"),
    "secret.rotate.lead": LocalizedText(
        "生成新密钥并显示一次。车场换用之前，新旧密钥都有效，推送不会中断。",
        "Generates a new secret and shows it once. Both are valid until the old one is retired, so no push is rejected.",
    ),
    "secret.rotate.do": LocalizedText("生成新密钥", "Generate a new secret"),
    "secret.retire": LocalizedText("停用旧密钥", "Retire the old secret"),
    "secret.retire.lead": LocalizedText(
        "旧密钥停用后才能再次更换。", "The secret can be rotated again once the old one is retired."
    ),
    "secret.retire.safe": LocalizedText(
        "车场已在使用新密钥，可以停用旧密钥", "The park uses the new secret: it is safe to retire the old one"
    ),
    "secret.retire.unsafe": LocalizedText(
        "车场还没有用过新密钥；现在停用，它的推送会被拒绝（401）",
        "The park has not used the new secret yet: if you retire the old one now, its pushes are rejected (401)",
    ),
    "secret.retire.do": LocalizedText("停用旧密钥", "Retire the old secret"),
    "secret_shown.warning": LocalizedText(
        "只显示这一次，离开此页后无法再次查看。请现在复制并通过安全的渠道转交。",
        "Shown only once. Copy it now and pass it on through a secure channel.",
    ),
    "secret_shown.onward": LocalizedText("已记下，继续", "I have copied it"),
    "secret_shown.park.title": LocalizedText("车场已登记", "Park registered"),
    "secret_shown.park.lead": LocalizedText("这是车场用来签名的密钥。", "This is the secret that the park signs with."),
    "secret_shown.park.subject": LocalizedText("park_uuid", "park_uuid"),
    "secret_shown.rotated.title": LocalizedText("新密钥", "The new secret"),
    "secret_shown.rotated.lead": LocalizedText(
        "请让车场换用此密钥；换好之前旧密钥仍然有效。",
        "Ask the park to switch to this secret; the old one stays valid until you retire it.",
    ),
    "secret_shown.rotated.subject": LocalizedText("park_uuid", "park_uuid"),
    "generation": LocalizedText("存量批次", "Generation"),
    "generations": LocalizedText("存量批次", "Generations"),
    "generations.lead": LocalizedText(
        "车场以 complete=1 推送时，全部记录被替换，成为新的存量批次；旧的存量批次在保留期内可以恢复。",
        "A push with complete=1 replaces all records and starts a generation; earlier ones can be restored while they are kept.",
    ),
    "generation.current": LocalizedText("当前", "current"),
    "generation.started": LocalizedText("开始", "From"),
    "generation.ended": LocalizedText("被替换", "Replaced"),
    "generation.kept": LocalizedText("保留至", "Kept until"),
    "generation.seqno": LocalizedText("请求流水号", "By request"),
    "restore": LocalizedText("恢复", "Restore"),
    "restore.title": LocalizedText("恢复以前的存量批次", "Restore an earlier generation"),
    "restore.now": LocalizedText("现在", "Now"),
    "restore.then": LocalizedText("恢复后", "Afterwards"),
    "restore.note.1": LocalizedText(
        "当前的 {now} 条记录不再可见，改为那个存量批次的 {then} 条记录。",
        "The {then} records of that generation replace the {now} current ones.",
    ),
    "restore.note.2": LocalizedText(
        "当前的存量批次保留 {days} 天，期间可以再恢复。",
        "The current generation is kept for {days} days and can be restored as well.",
    ),
    "restore.note.3": LocalizedText(
        "此后车场推送的变更写入恢复后的存量批次；那次替换之后推送的变更不在其中。",
        "New pushes go into the restored generation; it does not contain what the park pushed since the replacement.",
    ),
    "restore.go_on": LocalizedText("继续…", "Continue…"),
    "restore.again": LocalizedText(
        "请再次确认：{now} 条记录将变为 {then} 条。", "Please confirm: {now} records will become {then}."
    ),
    "restore.do": LocalizedText("恢复这 {then} 条记录", "Restore these {then} records"),
    "park.moved": LocalizedText(
        "设置在此期间被他人修改，您的修改没有保存；请按当前值重新修改",
        "Someone else changed these settings in the meantime, and your changes were not saved. The form shows the current values",
    ),
    "restore.moved": LocalizedText(
        "记录在此期间有变化，请重新核对", "The records have changed in the meantime; check again"
    ),
    "review.title": LocalizedText("待复核的记录", "Records to review"),
    "review.lead": LocalizedText(
        "可能有误的记录，以及同一订单号的车牌或金额被改过的记录。点击原因查看说明；核实后标记为已复核。",
        "Records that may be wrong, and records whose plate or amount changed under the same order number. Select a reason for an "
        "explanation; mark the records once you have checked them.",
    ),
    "review.none": LocalizedText("没有待复核的记录", "Nothing to review"),
    "review.all": LocalizedText("全部", "All"),
    "review.why": LocalizedText("原因", "Why"),
    "review.tick": LocalizedText("选择", "Select"),
    "review.tick.one": LocalizedText("选择订单 {order}", "Select order {order}"),
    "review.do": LocalizedText("所选标记为已复核", "Mark selected as reviewed"),
    "review.do_all": LocalizedText("本页 {n} 条全部标记为已复核", "Mark all {n} on this page as reviewed"),
    "flag.unusual_plate": LocalizedText("车牌不常见", "unusual plate"),
    "flag.plate_changed": LocalizedText("车牌被改", "plate changed"),
    "flag.money_changed": LocalizedText("金额被改", "amount changed"),
    "flag.no_order": LocalizedText("订单号无效", "no order number"),
    "flag.decimal_money": LocalizedText("金额带小数", "amount with decimals"),
    "flag.unusual_plate.why": LocalizedText(
        "不是常见的大陆车牌格式，或含有看不见的字符（闸机因此认不出）。请与车场核对车牌。",
        "Not a common format of mainland plates, or with invisible characters, so that no barrier finds it. Check the plate with "
        "the park.",
    ),
    "flag.plate_changed.why": LocalizedText(
        "同一订单号先后推送了不同的车牌，以后到的为准。请与车场核对。",
        "The same order number came with another plate before; the later plate applies. Check with the park.",
    ),
    "flag.money_changed.why": LocalizedText(
        "同一订单号先后推送了不同的金额或面额，以后到的为准。请与车场核对。",
        "The same order number came with another amount before; the later amount applies. Check with the park.",
    ),
    "flag.no_order.why": LocalizedText(
        "订单号是占位内容（如“无”“0”“test”），或被表格软件舍入（如 2.02207E+18），不能区分订单：后来的订单会覆盖前面的。"
        "请车场推送完整、唯一的订单号。",
        "The order number is a placeholder (such as NULL, 0 or test), or a spreadsheet rounded it (2.02207E+18). "
        "It does not identify an order: later orders overwrite earlier ones. Ask the park to send complete, unique order numbers.",
    ),
    "flag.decimal_money.why": LocalizedText(
        '支付金额写成了带小数的文本（如 "100.00"），已按分入账；车场可能以为单位是元，实际金额可能是 100 倍。请与车场核对单位。',
        'The amount came as a text with decimals (such as "100.00") and was stored as fen. The park may mean yuan, a hundred times '
        "as much: check the unit with the park.",
    ),
    "order": LocalizedText("订单号", "Order"),
    "plate": LocalizedText("车牌", "Plate"),
    "pay_value": LocalizedText("实付（元）", "Paid (yuan)"),
    "record.changed": LocalizedText("最近变更", "Last change"),
    "find.none": LocalizedText("没有找到", "Nothing found"),
    "find.how": LocalizedText(
        "可以输入车牌（或开头几位）、卡号、订单号、32 位请求流水号、车场名称或 park_uuid。",
        "Enter a plate (or its beginning), a card, an order number, a seqno of 32 digits, or a park's name or park_uuid.",
    ),
    "find.as.plate": LocalizedText("车牌 {text} 的记录", "Records of the plate {text}"),
    "find.as.plate_prefix": LocalizedText("车牌以 {text} 开头的记录", "Records of plates that begin with {text}"),
    "find.as.order": LocalizedText("订单号 {text}", "Order number {text}"),
    "find.as.card": LocalizedText("卡号 {text} 的记录", "Records of the card {text}"),
    "find.parks": LocalizedText("在全部车场中查找", "Search all parks"),
    "done.park_added": LocalizedText("车场已登记", "Park registered"),
    "done.park_saved": LocalizedText("设置已保存，一秒内生效", "Saved; takes effect within a second"),
    "done.nothing_changed": LocalizedText("没有变化", "Nothing changed"),
    "done.rotated": LocalizedText("密钥已更换，旧密钥仍有效", "The secret is rotated; the old one is still valid"),
    "done.retired": LocalizedText("旧密钥已停用", "The old secret is retired"),
    "done.restored": LocalizedText("存量批次已恢复", "The generation is restored"),
    "done.reviewed": LocalizedText("已标记为已复核", "Marked as reviewed"),
    "done.nothing_reviewed": LocalizedText(
        "没有选择记录，或已被他人复核", "No record was selected, or someone else has reviewed them"
    ),
}
