"""The mapping: the questions of a proposal, and what is wrong with a configured one."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "or is it {columns}": "还是 {columns}",
    "some cells hold several plates": "有的单元格含多个车牌",
    "no value seen": "没有看到任何值",
    "the column's comment says: {comment}": "该列的注释写的是：{comment}",
    "codes by the column's comment ({comment}): are they right": "编码取自该列的注释（{comment}）：是否正确",
    "yuan or fen: the comment says the other": "是元还是分：注释与列名不一致",
    "yuan or fen: the comment says fen, the values have decimals": "是元还是分：注释说是分，而值有小数",
    "the values are numbers ({shown}): are they the interface's codes": "值是数字（{shown}）：是否就是接口的编码",
    "not known: {values}": "不认识：{values}",
    "no column found: -1 is unknown": "没有找到对应的列：-1 表示未知",
    "no column found: is every pass a month card (1)": "没有找到对应的列：是否全部是月卡（1）",
    "no column found: is every renewal one of a single month, quarter or year": (
        "没有找到对应的列：是否每次都只续费一个月（季、年）"
    ),
    "no column found: was every one paid in cash (1)": "没有找到对应的列：是否全部是现金支付（1）",
    "no column found: write the id of the charge type that every pass has": (
        "没有找到对应的列：请填写全部固定车共同的收费类型 id"
    ),
    "no column found: the interface wants it": "没有找到对应的列，而接口要求此字段",
    "no order number found: is this one never given out again": "没有找到订单号：此编号是否永不重复使用",
    "{count} of {total} rows have no order number in it": "{total} 行中有 {count} 行此列没有订单号",
    "{count} rows share {value}: is it one of each sale": "{count} 行的值同为 {value}：是否每笔销售都不同",
    "long numbers look rounded: were they, by a spreadsheet or a program (if not: exact = true, or push --exact)": (
        "长数字像是被舍入过：是否被表格软件或程序四舍五入了（如果没有：exact = true，或 push --exact）"
    ),
    "{count} long order numbers look rounded beyond the 15th digit, the first is {order} ({place}): were they rounded by a "
    "spreadsheet or a program? They are sent. If so, make the column a text and export it again; if not, set exact = true in "
    "map.pay_partner, or push --exact": (
        "{count} 个长订单号像是从第 16 位起被舍入过，第一个是 {order}（{place}）：是否被表格软件或程序四舍五入了？这些行照样发送。"
        "如果是，请把该列设为文本后重新导出；如果不是，请在 map.pay_partner 中写 exact = true，或用 push --exact"
    ),
    "{count} rows are not sent because of values that no filter names: {named}; are these paid renewals? Put each value "
    "into in or not_in of its filter": (
        "{count} 行因过滤条件中没有写到的值而未发送：{named}；这些是否是已付款的续费？请把每个值写入该过滤条件的 in 或 not_in"
    ),
    "{order} ({kept} and not {other})": "{order}（以{kept}为准，而不是{other}）",
    "{count} order numbers are those of several rows with different plates: the newest is sent, the other is not: {named}; if "
    "they are two sales, give each an order number of its own": (
        "{count} 个订单号有多行且车牌不同，只发送最新的一行：{named}；如果是两笔销售，请使用各自的订单号"
    ),
    "most values do not look like it: is this the column": "多数值不像此字段的值：是否是此列",
    "no name tells it: is this the column": "列名不能说明：是否是此列",
    "free passes were paid for (rows: {count}): is it the kind of the pass that was sold": (
        "{count} 行是免费车却有实付金额：此列是否是所售的卡类型"
    ),
    "passes of stored value have a period (rows: {count}): is it the kind of the pass that was sold": (
        "{count} 行是储值卡却有有效期：此列是否是所售的卡类型"
    ),
    "no order number: is each row a payment, and this its money": "没有订单号：是否每行都是一笔支付，此列是其金额",
    "or is it the start of the period": "还是有效期的开始",
    "too short for a pass: is it the period that was paid": "作为有效期太短：是否确为所购的有效期",
    "ends without a time: the end of that day (end_of_day = false: its beginning)": (
        "截止日期没有时间：按当天结束处理（end_of_day = false 表示当天开始）"
    ),
    "is this the column": "是否是此列",
    "the colour of the plate, or of the car": "是车牌颜色，还是车身颜色",
    "is this the money that was paid": "是否是实付金额",
    "is this the time of the payment": "是否是支付时间",
    "the operator, or the owner of the car": "是操作员，还是车主",
    "yuan or fen: the values have no decimals": "是元还是分：各值都没有小数",
    "changes are found by comparing all rows only: {reason}": "只靠核对全部行发现变更：{reason}",
    "changes are found by comparing all rows only: no column is known that tells rows with the same {when} apart": (
        "只靠核对全部行发现变更：不知道用哪一列区分 {when} 相同的行"
    ),
    "the form of these times is not known ({example}): say it by format": (
        "不认识这种时间写法（{example}）：请用 format 说明"
    ),
    "the values are numbers of no known form": "值是数字，但不认识这种写法",
    "{count} of {total} ends are midnights: does the pass end with that day (end_of_day = true) or before it (false)": (
        "{total} 个截止时间中有 {count} 个是零点：是当天结束时到期（end_of_day = true），还是当天开始时到期（false）"
    ),
    "{number} of a pass of {unit} months are sent as {total} months: does it count passes, or months (then divide it in "
    "source.query or in the file)": (
        "一张 {unit} 个月的卡写 {number}，会按 {total} 个月发送：此列数的是张数还是月数（是月数的话，请在 source.query "
        "或文件中相除）"
    ),
    "quantity {number} of a pass of {unit} months, but a period of {period:.1f} months: does it count passes, or months or "
    "days (then divide it in source.query or in the file)": (
        "{unit} 个月的卡数量为 {number}，有效期却是 {period:.1f} 个月：此列数的是张数，还是月数或天数（后者请在 source.query "
        "或文件中相除）"
    ),
    "quantity {number} of a pass of {unit} months, but a period of {period:.1f} months: is it the number that was bought, "
    "and the period that of this renewal": (
        "{unit} 个月的卡数量为 {number}，有效期却是 {period:.1f} 个月：数量是否是购买的数量，有效期是否是本次续费的"
    ),
    "is it what the card bears, or the number of its row in another table": "是卡上的号码，还是另一张表中的行编号",
    "{question}; true fits the starts": "{question}；按开始时间看应为 true",
    "{question}; false fits the starts": "{question}；按开始时间看应为 false",
    "{place}: column {name} is there {times} times; give each a name of its own": (
        "{place}: 列 {name} 出现了 {times} 次；列名不能重复，请改名"
    ),
    "{place}: column {name} is not there; did you mean {near}?": "{place}: 没有列 {name}；是否为 {near}？",
    "{place}: column {name} is not there": "{place}: 没有列 {name}",
    "The source has the columns: {there}; fix the configuration.": "数据源中的列：{there}；请改正配置。",
    "The source's columns have changed while it was read; start again.\nbefore: {before}\nnow:    {now}": (
        "读取过程中数据源的列变了，请重新启动。\n原来：{before}\n现在：{now}"
    ),
    "The agent's configuration; the guide, “The file”, explains every line. Look at each ? before you start it.": (
        "代理的配置文件；每一行的含义见使用说明“配置文件”。启动之前请逐一查看带 ? 的行。"
    ),
    "not used: {columns}": "未使用的列：{columns}",
    "found in this file, and found again each time; set it only if it is wrong": (
        "在此文件中找到，每次打开都会重新查找；仅当有误时才设置"
    ),
    "? {member}: no column found": "? {member}: 没有找到对应的列",
    "? {member}: no column found: is it {columns}": "? {member}: 没有找到对应的列：是否为 {columns}",
    "? {column} has the value {values}, and may get others: which of them are paid renewals; send only these by "
    "[[filter]] column = {quoted}, in = […]": (
        "? {column} 目前只有取值 {values}，以后可能有别的："
        "其中哪些是已支付的续费；只发送它们请写 [[filter]] column = {quoted}, in = […]"
    ),
    "? {column} has the values {values}: which of them are paid renewals; send only these by [[filter]] "
    "column = {quoted}, in = […]": (
        "? {column} 的取值有 {values}：其中哪些是已支付的续费；只发送它们请写 [[filter]] column = {quoted}, in = […]"
    ),
    'cursor = ["time of the last change", "id"]   # without it only the sweep finds changes': (
        'cursor = ["最后修改时间", "编号"]   # 不写则只靠全表核对发现变更'
    ),
    "{member}: sent as -1, unknown ({doubt}?)": "{member}: 按 -1（未知）发送（{doubt}？）",
    "{member}: rows without a known code are refused ({doubt}?)": "{member}: 没有已知编码的行被拒绝（{doubt}？）",
    "{member} = {column} ({doubt}?)": "{member} = {column}（{doubt}？）",
    "{member} ({doubt}?): say it by --constant {member}=…": "{member}（{doubt}？）：请用 --constant {member}=… 写明",
    "--constant: the configuration says what is sent; write the constant in its [map].": (
        "--constant：发送什么由配置决定；请把固定值写在配置的 [map] 中。"
    ),
    "--exact: the configuration says what is sent; write exact = true in its map.pay_partner.": (
        "--exact：发送什么由配置决定；请在配置的 map.pay_partner 中写 exact = true。"
    ),
    "--constant {text}: must be MEMBER=VALUE, each member once, of {members}.": (
        "--constant {text}：应为 字段=值，每个字段只写一次，字段可为 {members}。"
    ),
    "{member}: left out ({doubt}?)": "{member}: 不发送（{doubt}？）",
    "--yes answers no question about what a row needs: run without it, or rename the column.": (
        "--yes 不回答必填字段的问题：请不带 --yes 运行，或修改列名。"
    ),
}
