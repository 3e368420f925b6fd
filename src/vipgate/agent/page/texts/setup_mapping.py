"""Texts of the mapping's step."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "step.mapping": LocalizedText("字段映射", "Mapping"),
    "mapping.lead": LocalizedText(
        "接口的每个字段取自哪一列。建议是根据列名和前 {n} 行推测的，请逐行核对。改选一列后，保存即可看到该列的值。",
        "Which column each member of the interface is taken from. This is a guess from the names and the first {n} rows: look at "
        "each line. After you choose another column, save to see its values.",
    ),
    "mapping.proposed": LocalizedText(
        "配置中还没有字段映射：下面是建议，核对并保存后才写入。",
        "The configuration has no mapping yet: this is a proposal, which is stored once you have looked at it and save.",
    ),
    "mapping.open": LocalizedText(
        "有 {n} 个推测不能确定：请核对后勾选“已核对”，或改选。全部回答之前不能启动。",
        "Doubtful guesses: {n}. Confirm each, or choose otherwise. The agent does not start before.",
    ),
    "mapping.lacking": LocalizedText(
        "接口要求的以下字段还没有选择列：",
        "The interface wants these members, and no column is chosen for them:",
    ),
    "mapping.and": LocalizedText("、", ", "),
    "mapping.choose": LocalizedText(
        "请在上面选择“{member}”所在的列。如果此表没有，请改选一张有此列的表或视图：",
        "Choose the column of “{member}” above. If this table has none, choose a table or view that has one:",
    ),
    "mapping.other_table": LocalizedText("改选数据源", "choose another table"),
    "mapping.result": LocalizedText(
        "按现在的映射，前 {n} 行中有 {ready} 行可以发送，{dead} 行会被拒绝；全部行在“检查与启动”中统计。",
        "By this mapping {ready} of the first {n} rows can be sent, and {dead} would be refused; “Check and start” counts "
        "all rows.",
    ),
    "mapping.member": LocalizedText("字段", "Member"),
    "mapping.required": LocalizedText("必填", "required"),
    "mapping.column": LocalizedText("取自", "Taken from"),
    "mapping.values": LocalizedText("列中的值", "Values of the column"),
    "mapping.sent": LocalizedText("将发送的值", "Sent as"),
    "mapping.none": LocalizedText("（不发送）", "(not sent)"),
    "mapping.constant": LocalizedText("（固定值）", "(a constant)"),
    "mapping.constant.which": LocalizedText("（请填写固定值）", "(the constant)"),
    "mapping.constant.choose": LocalizedText("（请选择固定值）", "(choose the constant)"),
    "question": LocalizedText("{text}？", "{text}?"),
    "mapping.comment": LocalizedText("数据库中的注释：{comment}", "The database says: {comment}"),
    "mapping.unit": LocalizedText("单位", "unit"),
    "unit.yuan": LocalizedText("单位：元", "in yuan"),
    "unit.fen": LocalizedText("单位：分", "in fen"),
    "mapping.format": LocalizedText(
        "时间格式，如 %Y%m%d；能自动识别时不填", "form of the time, such as %Y%m%d; empty: found by itself"
    ),
    "mapping.format.brief": LocalizedText("可不填，如 %Y%m%d", "optional, as %Y%m%d"),
    "mapping.end": LocalizedText("到期日的零点：按原样", "midnight as an end: as it is"),
    "mapping.end.true": LocalizedText("到期日当天仍有效", "valid until the end of that day"),
    "mapping.end.false": LocalizedText("到期日零点即失效", "ends when that day begins"),
    "mapping.rounded": LocalizedText(
        "被表格软件四舍五入的订单号：拒绝", "order numbers that a spreadsheet rounded: refuse"
    ),
    "mapping.exact": LocalizedText(
        "订单号没有被四舍五入，照样发送", "no spreadsheet rounded them: send them as they are"
    ),
    "mapping.ok": LocalizedText("已核对，正确", "I have looked: it is right"),
    "mapping.ok.none": LocalizedText("确实没有这样的列：不发送", "there is no such column: it is not sent"),
    "mapping.as_is": LocalizedText("（按原样：{code} {word}）", "(as it is: {code} {word})"),
    "mapping.no_code": LocalizedText("（未知：拒绝这些行）", "(unknown: refuse these rows)"),
    "mapping.more_codes": LocalizedText("另有 {n} 种值未列出", "{n} more values are not listed"),
    "mapping.filter": LocalizedText("只发送“{column}”为下列值的行", "Send only rows whose {column} is one of these"),
    "mapping.filter.hint": LocalizedText(
        "勾选表示已付款续费的值；全部勾选则发送所有行。",
        "Tick the values of paid renewals. With all of them ticked every row is sent.",
    ),
    "mapping.filter.empty": LocalizedText("（没有值）", "(no value)"),
    "mapping.filter.unlisted": LocalizedText(
        "此过滤条件还写有这些行中没有的值（{values}）：不改动勾选时保持不变。",
        "The filter also names values that these rows do not have ({values}): while no tick is changed, it stays as it is.",
    ),
    "mapping.filter.asked": LocalizedText(
        "哪些值表示已付款的续费？请取消勾选其他值，或确认全部发送。",
        "Which values are those of paid renewals? Untick the others, or confirm that every row is sent.",
    ),
    "mapping.filter.ok": LocalizedText(
        "发送所有行，包括今后出现的其他值", "send every row, also those with values that appear later"
    ),
    "mapping.filter_by": LocalizedText("按另一列选择要发送的行", "Choose rows by another column"),
    "mapping.filter_by.hint": LocalizedText(
        "选择一列并保存，然后勾选其中要发送的值。例如：状态列，只发送“正常”。",
        "Choose a column and save; then tick the values that are sent. Example: a status, of which only the valid rows are sent.",
    ),
    "mapping.filter_by.none": LocalizedText("（不增加）", "(none)"),
    "mapping.unused": LocalizedText(
        "没有使用的列，及其最前面的值：", "Columns that are not used, with their first values:"
    ),
    "mapping.unused.more": LocalizedText("等，另有 {n} 列", "and {n} more"),
    "mapping.save": LocalizedText("保存", "Save"),
    "mapping.next": LocalizedText("保存并预览", "Save and preview"),
    "done.kept": LocalizedText(
        "字段映射、过滤条件等保持不变：新的数据源有它们用到的全部列",
        "The mapping is kept: the new source has all columns that it names",
    ),
    "done.saved": LocalizedText("已保存", "Saved"),
    "unread.source": LocalizedText("回到数据源", "Back to the source"),
    "unread.mapping": LocalizedText("回到字段映射", "Back to the mapping"),
    "member.charge_type": LocalizedText("收费类型", "Charge type"),
    "member.pay_partner": LocalizedText("订单号", "Order number"),
    "member.plate": LocalizedText("车牌", "Plate"),
    "member.plate_color": LocalizedText("车牌颜色", "Plate colour"),
    "member.card_no": LocalizedText("逻辑卡号", "Card number"),
    "member.card_id": LocalizedText("物理卡号", "Card id"),
    "member.vip_type": LocalizedText("卡类型", "Kind of pass"),
    "member.quantity": LocalizedText("数量", "Quantity"),
    "member.pay_type": LocalizedText("支付方式", "Paid by"),
    "member.value": LocalizedText("面值", "Value"),
    "member.pay_value": LocalizedText("实付金额", "Money paid"),
    "member.pay_time": LocalizedText("支付时间", "Paid at"),
    "member.renewal_start_time": LocalizedText("有效期开始", "Valid from"),
    "member.renewal_end_time": LocalizedText("有效期结束", "Valid until"),
    "member.operator": LocalizedText("操作员", "Operator"),
    "plate_color.1": LocalizedText("蓝", "blue"),
    "plate_color.2": LocalizedText("黄", "yellow"),
    "plate_color.3": LocalizedText("白", "white"),
    "plate_color.4": LocalizedText("黑", "black"),
    "plate_color.5": LocalizedText("绿", "green"),
    "plate_color.-1": LocalizedText("未知", "unknown"),
    "vip_type.0": LocalizedText("免费", "free"),
    "vip_type.1": LocalizedText("月卡", "month"),
    "vip_type.2": LocalizedText("储值卡", "stored value"),
    "vip_type.3": LocalizedText("储次卡", "stored times"),
    "vip_type.4": LocalizedText("储天卡", "stored days"),
    "vip_type.5": LocalizedText("年卡", "year"),
    "vip_type.6": LocalizedText("季卡", "quarter"),
    "vip_type.7": LocalizedText("半年卡", "half-year"),
    "pay_type.1": LocalizedText("现金", "cash"),
    "pay_type.2": LocalizedText("线上", "online"),
}
