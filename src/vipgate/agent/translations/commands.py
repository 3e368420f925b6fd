"""What the commands print: questions, results, labels of tables."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "error: {message}": "错误：{message}",
    "warning: {message}": "警告：{message}",
    "yes": "是",
    "no": "否",
    "Please answer y or n.": "请回答 y（是）或 n（否）。",
    # run
    "{dead} dead letters: vipgate agent dead list {config}": "有 {dead} 条死信：vipgate agent dead list {config}",
    "The platform holds records of park {park}.": "平台上有车场 {park} 的记录。",
    "The platform holds {count} records of park {park}.": "平台上有车场 {park} 的 {count} 条记录。",
    "The first request deletes them, and then everything that the source holds is sent.\n"
    "Records that the source does not have any more are gone.": (
        "第一个请求会把它们删除，然后发送数据源中的全部记录。\n数据源中已经没有的记录，平台上也不再保留。"
    ),
    "Replace them?": "确定替换吗？",
    "{trouble}; trying again": "{trouble}；正在重试",
    "snapshot": "存量",
    "changes": "变更",
    # status
    "There is no spool {path}: no agent has run on {config} yet.": "没有本地缓存 {path}：{config} 的代理还没有运行过。",
    "Nothing is known yet: start vipgate agent run {config}.": "还没有任何信息：请先运行 vipgate agent run {config}。",
    "running": "正在运行",
    "alive at": "最近一次报告",
    "doing": "正在做",
    "snapshot done": "存量已完成（行）",
    "snapshot total": "存量总数（行）",
    "snapshot acknowledged": "存量已全部确认",
    "rate a second": "速度（行/秒）",
    "eta s": "预计还需（秒）",
    "backlog": "待发送（条）",
    "lag s": "延迟（秒）",
    "dead letters": "死信（条）",
    "last seqno": "最近的请求流水号",
    "read to": "已读到",
    "acknowledged to": "已确认到",
    "truth age s": "已核实到多久以前（秒）",
    "sweep rows": "本轮核对已读（行）",
    "sweep total": "本轮核对总数（行）",
    "sweep ended": "上一轮核对结束于",
    "sweep took s": "上一轮核对用时（秒）",
    "sweep every s": "核对周期（秒）",
    "sweep found": "只有核对才发现的变更",
    "warnings": "警告",
    "trouble": "故障",
    "trouble since": "故障开始于",
    "past trouble": "最近一次已结束的故障",
    "past trouble since": "该故障开始于",
    "past trouble over": "该故障结束于",
    # init, check, install-service
    "{config} exists; choose another name, or edit it and run vipgate agent check.": (
        "{config} 已存在；请另取文件名，或修改它之后运行 vipgate agent check。"
    ),
    "Platform's address": "平台地址",
    "Connected, but this user sees no table: grant SELECT, or name the table": (
        "已连接，但此用户看不到任何表：请授予 SELECT 权限，或写出表名"
    ),
    "recognised: {members}": "认出：{members}",
    "{n} more are not listed; name yours": "另有 {n} 张表未列出；请写出表名",
    "Secret (env:NAME or file:PATH)": "密钥（env:NAME 或 file:PATH）",
    "Source: a database URL or a file": "数据源：数据库地址或文件",
    "Table, or a query": "表名，或查询语句",
    "wrote {config}": "已写入 {config}",
    "Not complete yet:\n{reason}": "还不完整：\n{reason}",
    "Read it through, fix what is marked with ?, then: vipgate agent check {config}": (
        "请通读一遍，改正标有 ? 的行，然后执行：vipgate agent check {config}"
    ),
    "ok": "正常",
    "warn": "警告",
    "fix": "改正",
    "{target}, runs as {who}": "{target}，以用户 {who} 运行",
    "Cannot write {target}: {reason}; run it with sudo, or use --print.": (
        "无法写入 {target}：{reason}；请用 sudo 执行，或使用 --print。"
    ),
    "schtasks failed; run it in a console of the administrator.": "schtasks 失败；请在管理员命令行中执行。",
    # dead
    "number": "编号",
    "at": "时间",
    "place": "位置",
    "pay partner": "订单号",
    "reason": "原因",
    "seqno": "请求流水号",
    "row": "发送的行",
    "{queued} queued, {still} still wrong: vipgate agent run sends what is queued": (
        "{queued} 条已排队，{still} 条仍有错：排队的由 vipgate agent run 发送"
    ),
    "Discard {count} dead letters?": "确定丢弃 {count} 条死信吗？",
    "{count} discarded": "已丢弃 {count} 条",
    "There is no dead letter {number}; see vipgate agent dead list.": (
        "没有编号为 {number} 的死信；请用 vipgate agent dead list 查看。"
    ),
    "Name the dead letters by their numbers, or say --all.": "请写明死信的编号，或使用 --all。",
    # verify
    "This platform has no digest path (docs/digest.md): what it holds cannot be compared from here.": (
        "该平台不支持摘要查询（docs/digest.md）：无法核对平台上的记录。"
    ),
    "The platform has been too busy to be compared with; try again later.": "平台一直繁忙，无法核对；请稍后再试。",
    "missing on the platform": "平台缺少的",
    "different": "不同的",
    "only on the platform": "只有平台有的",
    "month": "月份",
    "here": "本地",
    "there": "平台",
    "fen here": "本地（分）",
    "fen there": "平台（分）",
    "differs": "不同",
    "{listed} and {count} more": "{listed}，另有 {count} 个",
    "of those only on the platform, {count} have a row here that a filter leaves out: look at the filter first": (
        "只在平台上的记录中，{count} 条的行仍在本地，但被过滤条件排除：请先确认过滤条件"
    ),
    "of those only on the platform, {count} have a row here that cannot be sent": (
        "只在平台上的记录中，{count} 条的行在本地，但无法发送"
    ),
    "of those only on the platform, {count} are not explained: too many rows are not sent": (
        "只在平台上的记录中，{count} 条的原因不明：不发送的行太多"
    ),
    "of those only on the platform, {count} are not here any more: the interface has no deletion, only run --replace": (
        "只在平台上的记录中，{count} 条本地已经没有：接口没有删除功能，只有 run --replace 才能去掉"
    ),
    "{count} are erased on the platform: plate, cards, operator; the rest is equal": (
        "{count} 条在平台上已清除车牌、卡号和操作员；其余内容相同"
    ),
    "{wrong} rows of the source cannot be sent: vipgate agent check shows why": (
        "数据源中有 {wrong} 行无法发送：原因见 vipgate agent check"
    ),
    "both sides hold the same": "两边一致",
    "{queued} queued: the agent that runs sends them": "{queued} 条已排队：由正在运行的代理发送",
    "{queued} sent": "已发送 {queued} 条",
    # push, and secrets of the command line
    "{sent} sent, {refused} refused": "发送 {sent} 行，拒绝 {refused} 行",
    "Give --url, --park and --secret, or --config with the agent's configuration.": (
        "请写 --url、--park 和 --secret，或用 --config 指定代理的配置文件。"
    ),
    "{file}, line {number}": "{file} 第 {number} 行",
    "{file}, {place}": "{file} {place}",
    "Cannot read {file}: {reason}.": "无法读取 {file}：{reason}。",
    "Send {file} with this mapping?": "按此映射发送 {file} 吗？",
    "more than {limit} order numbers: rows that share one of the others are not found here": (
        "订单号超过 {limit} 个：超出的部分不再检查是否重复"
    ),
    "{reason}; {place} has the same order number {pay_partner}": "{reason}；{place}的订单号也是 {pay_partner}",
    "{place}: {reason} (seqno {seqno})": "{place}: {reason}（请求流水号 {seqno}）",
    "nothing was sent": "没有发送任何内容",
    "{reason}; again in {wait_s:.0f} s": "{reason}；{wait_s:.0f} 秒后重试",
    "The variable {name} is not set; set it or give {flag} -.": "没有设置环境变量 {name}；请设置，或写 {flag} -。",
    "The secret can be seen in the process list and in the shell's history; better {flag} - or env:NAME.": (
        "密钥会出现在进程列表和命令历史中；最好写 {flag} - 或 env:NAME。"
    ),
    "A secret has 1 to {limit} characters, this one has {count}.": "密钥应为 1 到 {limit} 个字符，现为 {count} 个。",
    "--{flag} {text} has no time zone; for Beijing time write {utc_if_beijing}.": (
        "--{flag} {text} 没有时区；北京时间请写 {utc_if_beijing}。"
    ),
    "--{flag} {text} is no time; write 2026-11-24 or 2026-11-24T08:00:00Z.": (
        "--{flag} {text} 不是时间；请写 2026-11-24 或 2026-11-24T08:00:00Z。"
    ),
}
