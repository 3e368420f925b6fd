"""The help of the commands, and what typer itself says."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "The agent of a car park: reads the park's own records and sends them to the platform.": (
        "车场代理：读取车场自己的记录，发送给平台。"
    ),
    "Send a snapshot, then every change as it happens. With --once, dead letters give exit status 3.": (
        "先发送存量，再发送之后的每次变更。使用 --once 时，有死信则状态码为 3。"
    ),
    "The agent's TOML file.": "代理的配置文件（TOML）。",
    "The agent's state file; default: next to CONFIG.": "代理的本地缓存文件；默认在 CONFIG 旁边。",
    "Exit when everything in the source is settled.": "数据源中的全部记录处理完就结束。",
    "First delete all records of this park on the platform.": "先删除平台上该车场的全部记录。",
    "Do not ask for confirmation.": "不要求确认。",
    "With --once: exit with status 1 after so many seconds without platform or source.": (
        "使用 --once 时，平台或数据源多少秒不可用就以状态码 1 退出。"
    ),
    "Language of log and status; default: VIPGATE_LANGUAGE, else the system's.": (
        "日志和状态使用的语言；默认为 VIPGATE_LANGUAGE，否则为系统语言。"
    ),
    "Show the agent's progress: lag, backlog, rate, dead letters, the last seqno.": (
        "显示代理的进度：延迟、待发送、速度、死信、最近的请求流水号。"
    ),
    "text for people; json or jsonl for programs.": "text 供人阅读；json、jsonl 供程序使用。",
    "Ask for the settings, read the source, propose a mapping, and write CONFIG.": (
        "逐项询问设置，读取数据源，建议映射，写出 CONFIG。"
    ),
    "The file to write; must not exist.": "要写出的文件；不能已经存在。",
    "The platform's address.": "平台地址。",
    "The park's UUID, as issued by the platform.": "平台发放的车场 UUID。",
    "The secret: env:NAME or file:PATH.": "密钥：env:NAME 或 file:PATH。",
    "A database URL, env:NAME or file:PATH of one, or a .csv, .xlsx or .xls file.": (
        "数据库地址，或其 env:NAME、file:PATH；或 .csv、.xlsx、.xls 文件。"
    ),
    "The table, or a query that starts with SELECT.": "表名，或以 SELECT 开头的查询。",
    "Check network, clock, signature, source, mapping and disk, and suggest fixes. Sends no record.": (
        "检查网络、时钟、签名、数据源、映射和磁盘，并给出解决办法。不发送任何记录。"
    ),
    "Compare source and platform, month by month. Exit status 1 if they differ, unless --repair is given.": (
        "按月核对数据源与平台。不一致时状态码为 1，除非使用 --repair。"
    ),
    "Send only missing and different records.": "只补发缺少或不同的记录。",
    "Install the agent as a service: a systemd unit on Linux, a startup task on Windows.": (
        "把代理安装为服务：Linux 上是 systemd 单元，Windows 上是开机启动的计划任务。"
    ),
    "The user that runs it; default: you, or the caller of sudo.": "以哪个用户运行；默认为当前用户，或执行 sudo 的用户。",
    "Print the service definition, install nothing.": "只显示服务定义，不安装。",
    "Rows that the mapping or the platform rejected; kept until they are sent or discarded.": (
        "死信：无法映射或被平台拒绝的行，保存到发送成功或被丢弃为止。"
    ),
    "List the dead letters and why each was rejected.": "列出死信及各自的原因。",
    "Show one dead letter: the columns as read, the row as sent.": "显示一条死信：读到的各列，以及发送的行。",
    "The dead letter's number.": "死信的编号。",
    "Write the dead letters as JSON lines, or with --format text as CSV.": (
        "把死信输出为 JSON 行；使用 --format text 时为 CSV。"
    ),
    "Read the rows again from the source, with the current mapping, and queue them.": (
        "按现在的映射从数据源重新读取这些行，并排队发送。"
    ),
    "Numbers, as shown by `list`.": "编号，见 `list` 的输出。",
    "All dead letters.": "全部死信。",
    "Delete dead letters. The platform never gets these rows, unless they change at the source.": (
        "丢弃死信。这些行不会再发送给平台，除非在数据源中有变更。"
    ),
    "Send the rows of files. It is safe to send them again. Exit status 3 if rows were rejected.": (
        "发送文件中的行。重复发送是安全的。有行被拒绝时状态码为 3。"
    ),
    "Excel, OpenDocument, CSV, HTML or XML tables, or JSON lines as written by `export`.": (
        "Excel、OpenDocument、CSV、HTML 或 XML 表格，或 `export` 输出的 JSON 行。"
    ),
    "The park's UUID.": "车场的 UUID。",
    "Where to read the secret: - (standard input), env:NAME or file:PATH.": (
        "从哪里读取密钥：-（标准输入）、env:NAME 或 file:PATH。"
    ),
    "Do not ask; what is doubtful is not sent.": "不询问；有疑问的内容不发送。",
    "The agent's configuration: its mapping and filters are used, and what is not given here.": (
        "代理的配置文件：使用其中的映射和过滤条件，以及这里没有写明的设置。"
    ),
    "The sheet with the table; default: found.": "表格所在的工作表；默认自动查找。",
    "The line with the columns' names; default: found.": "表头所在的行；默认自动查找。",
    "The encoding of a text file; default: found.": "文本文件的编码；默认自动识别。",
    "Long order numbers are right as they are, not rounded by a spreadsheet.": (
        "长订单号本来如此，没有被表格软件舍入。"
    ),
    "What every row has, if no column says it: vip_type=1, charge_type=A. May be repeated.": (
        "每一行都相同、表中没有对应列的字段：vip_type=1，charge_type=A。可多次使用。"
    ),
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "[default: {}]": "[默认值：{}]",
    "[env var: {}]": "[环境变量：{}]",
    "[required]": "[必填]",
    "Arguments": "参数",
    "Options": "选项",
    "Commands": "命令",
    "Error": "错误",
    "Aborted.": "已取消。",
    "Try [blue]'{command_path} {help_option}'[/] for help.": "详细用法：[blue]{command_path} {help_option}[/]",
    "Usage: ": "用法：",
    "Show this message and exit.": "显示本说明。",
    "Missing argument {name}.": "缺少参数 {name}。",
    "Missing option {name}.": "缺少选项 {name}。",
    "Missing command.": "没有写命令。",
    "Invalid value for {name}: {reason}": "{name} 的值不正确：{reason}",
    "Invalid value: {reason}": "值不正确：{reason}",
    "No such command {name}.": "没有命令 {name}。",
    "No such option: {name} (Possible options: {names})": "没有选项 {name}（是否为：{names}）",
    "No such option: {name}": "没有选项 {name}",
    "Option {name} requires an argument.": "选项 {name} 后面要写一个值。",
    "Option {name} does not take a value.": "选项 {name} 后面不能写值。",
    "Got unexpected extra argument(s) ({names})": "多余的参数：{names}",
    "Input should be a valid integer, unable to parse string as an integer": "应为整数",
    "Input should be greater than or equal to {number}": "应不小于 {number}",
    "Input should be less than or equal to {number}": "应不大于 {number}",
    "Value error, {value} is not one of {values}.": "{value} 不是 {values} 之一",
    "Input should be {values}": "应为 {values}",
}
