"""Sources: databases and files that cannot be read, and what their settings will cost or miss."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "the source cannot be read: {reason}; look at the file or the database, then at the traceback in the "
    "log; it is tried again": "无法读取数据源：{reason}；请查看文件或数据库，再看日志中的错误栈；会再次尝试",
    "A cursor cannot hold {value}; fix the row, or leave it out by a query.": (
        "游标的值不能是 {value}；请改正该行，或用查询排除它。"
    ),
    "A cursor cannot hold {kind}; choose columns of times, numbers or text.": (
        "游标的值不能是 {kind} 类型；请选择时间、数字或文本列。"
    ),
    'source.cursor: {name} holds times with a zone as text ("{example}"), whose order as text need not '
    "be that of time; leave the cursor out, or convert the column to a time in a query": (
        "source.cursor: {name} 是带时区的时间文本（“{example}”），文本顺序不一定是时间顺序；请不要写游标，"
        "或在查询中把该列转换为时间"
    ),
    "source.cursor: the order of {name} is not that of time: it holds {shown}. Choose a column of times, "
    "of numbers that only grow, or of text such as 2026-09-09 08:00:00 with all its zeros; or leave the "
    "cursor out: the sweep then finds every change by itself": (
        "source.cursor: {name} 的顺序不是时间顺序：其中有 {shown}。请选择时间列、只增不减的数字列，或补足零的文本列"
        "（如 2026-09-09 08:00:00）；也可以不写游标：全表核对会发现所有变更"
    ),
    "user or password is wrong, or this machine is not let in; correct source.database": (
        "用户名或密码错误，或服务器不允许本机连接；请改正 source.database"
    ),
    "the user may not read this; grant it SELECT on the table, see the guide, “Sources”": (
        "该用户没有读取权限；请授予该表的 SELECT 权限，见使用说明“数据源”"
    ),
    "there is no such database, or the user may not open it; correct source.database": (
        "没有这个数据库，或该用户无权打开；请改正 source.database"
    ),
    "there is no such table or view; correct source.table or source.query, or restore the table": (
        "没有这个表或视图；请改正 source.table 或 source.query，或恢复该表"
    ),
    "there is no such column; correct source.query or source.cursor": "没有这一列；请改正 source.query 或 source.cursor",
    "the server does not know source.time_zone; load its time zone tables, or choose a zone with one fixed offset": (
        "服务器不认识 source.time_zone；请导入时区表，或选择偏移固定的时区"
    ),
    "the database is damaged; repair it with the means of its vendor, or restore a backup": (
        "数据库已损坏；请用数据库自带的工具修复，或恢复备份"
    ),
    "it is no SQLite database, or an encrypted one, which the agent cannot read; correct source.database": (
        "不是 SQLite 数据库，或已加密而无法读取；请改正 source.database"
    ),
    "install the driver that the address names, with as many bits (32 or 64) as this Python": (
        "请安装地址中所写的驱动，位数（32 或 64）与 Python 相同"
    ),
    "the server has blocked this machine after failed connections; run mariadb-admin flush-hosts there": (
        "连接失败次数过多，服务器已屏蔽本机；请在服务器上执行 mariadb-admin flush-hosts"
    ),
    "pip install pymssql, and mssql+pymssql://user:password@host/database": (
        "请执行 pip install pymssql，并写 mssql+pymssql://user:password@host/database"
    ),
    "write mysql+pymysql://user:password@host/database": "请写 mysql+pymysql://user:password@host/database",
    "write mariadb+pymysql://user:password@host/database": "请写 mariadb+pymysql://user:password@host/database",
    "pip install pyodbc, install Microsoft's ODBC driver, and write access+pyodbc:///?odbc_connect=…": (
        "请执行 pip install pyodbc，安装微软的 ODBC 驱动，并写 access+pyodbc:///?odbc_connect=…"
    ),
    "write postgresql+psycopg://user:password@host/database": "请写 postgresql+psycopg://user:password@host/database",
    "{line}; it is tried again; if it lasts: is the database running, are server and port right, is a firewall in the way": (
        "{line}；会自动重试；如果持续：数据库是否在运行，服务器和端口是否正确，是否被防火墙拦截"
    ),
    "see the guide, “Sources”": "见使用说明“数据源”",
    "source.database: is no database URL; for example sqlite:///park.db, see the guide, “Sources”": (
        "source.database: 不是数据库地址；例如 sqlite:///park.db，见使用说明“数据源”"
    ),
    "source.database: there is no file {path}; the path is relative to the configuration's folder": (
        "source.database: 没有文件 {path}；路径相对于配置文件所在的目录"
    ),
    "source.database: the agent does not work with the driver {driver}; {remedy}": (
        "source.database: 代理不支持驱动 {driver}；{remedy}"
    ),
    "source.encoding: is for files, MySQL and MariaDB; leave it out": (
        "source.encoding: 只用于文件、MySQL 和 MariaDB，请删去"
    ),
    'source.encoding: is not known, for example "gbk", got {encoding!r}': (
        'source.encoding: 不认识的编码，例如 "gbk"，现为 {encoding!r}'
    ),
    "{line}; write a query with CAST(column AS BLOB): bytes are read as UTF-8 or GBK.": (
        "{line}；请在查询中写 CAST(列 AS BLOB)：字节按 UTF-8 或 GBK 读取。"
    ),
    "{where}: no answer within {limit_s} s; if it stays so, give the cursor an index, or the query less to do": (
        "{where}：{limit_s} 秒内没有结果；如果一直如此，请给游标列建索引，或简化查询"
    ),
    "{line}; fix table, query or cursor in [source], or the user's rights.": (
        "{line}；请改正 [source] 中的 table、query 或 cursor，或用户的权限。"
    ),
    "{line}; look at the rows and at the database's own log": "{line}；请查看数据和数据库自己的日志",
    "{path} has no row {row} with the columns' names; fix source.header_line": (
        "{path} 没有第 {row} 行作表头；请改正 source.header_line"
    ),
    "{path} has no row {row} with the columns' names; fix source.header_line or source.sheet (it has {sheets})": (
        "{path} 没有第 {row} 行作表头；请改正 source.header_line 或 source.sheet（有工作表 {sheets}）"
    ),
    "sheet {sheet} of {path} is read; {others} hold tables, too, and are not: set source.sheet (vipgate "
    "push: --sheet), and make a configuration for each": (
        "读取的是 {path} 的工作表 {sheet}；{others} 中也有表格，不会读取：请设置 source.sheet（vipgate push 用 --sheet），"
        "并为每个工作表各写一份配置"
    ),
    "{path}: {sheets} not looked at, because too large": "{path}：工作表 {sheets} 太大，没有查看",
    "{path} is too large: {text}": "{path} 太大：{text}",
    "{path} has no sheet {sheet}, only {text}; fix source.sheet (vipgate push: --sheet)": (
        "{path} 没有工作表 {sheet}，只有 {text}；请改正 source.sheet（vipgate push 用 --sheet）"
    ),
    "{path} is no Excel file, or half written: {text}": "{path} 不是 Excel 文件，或还没有写完：{text}",
    "{path} cannot be read: {text}": "无法读取 {path}：{text}",
    "{path} cannot be read: {text}; save it again, or as CSV": "无法读取 {path}：{text}；请重新保存，或另存为 CSV",
    "{path} cannot be read: its reader says nothing that can be understood": "无法读取 {path}：读取进程的输出无法识别",
    "{path} is too large: it takes more memory to read than there may be used ({limit_mib} MiB); {remedy}": (
        "{path} 太大：读取所需的内存超过上限（{limit_mib} MiB）；{remedy}"
    ),
    "{path} is too large: it takes more than {limit_s} s to open; {remedy}": (
        "{path} 太大：打开需要超过 {limit_s} 秒；{remedy}"
    ),
    "{path} is too large: it takes more than {limit_s} s of CPU; {remedy}": (
        "{path} 太大：读取需要超过 {limit_s} 秒的 CPU 时间；{remedy}"
    ),
    "no word": "没有说明",
    "{path} cannot be read: its reader ended with status {status}: {last}": (
        "无法读取 {path}：读取进程以状态码 {status} 退出：{last}"
    ),
    "{path} is no regular file; put the file there, or fix source.file": (
        "{path} 不是普通文件；请把文件放到那里，或改正 source.file"
    ),
    "there is no file {path}; put it there, or fix source.file": "没有文件 {path}；请放到那里，或改正 source.file",
    "cannot read {path}: {reason}": "无法读取 {path}：{reason}",
    "line {line} of {path} was taken for the columns' names: of the first {limit} lines none holds names "
    "that are known; if that is wrong, set source.header_line and source.sheet (vipgate push: "
    "--header-line, --sheet)": (
        "以 {path} 的第 {line} 行作表头：前 {limit} 行中没有认识的列名；如果不对，请设置 source.header_line 和 "
        "source.sheet（vipgate push 用 --header-line、--sheet）"
    ),
    "{count} lines that are no records left out: {places}": "略去 {count} 行（不是记录）：{places}",
    "lines left out": "略去不是记录的行",
    "{path} has other columns than before: {columns}; it is opened again": (
        "{path} 的列与之前不同：{columns}；会重新打开"
    ),
    "{path}: a file has no key; leave source.key out": "{path}：文件没有主键，请删去 source.key",
    "{path}: a file has no cursor; leave source.cursor out": "{path}：文件没有游标，请删去 source.cursor",
    "{path} is not text in {encoding} ({reason}); fix source.encoding (vipgate push: --encoding)": (
        "{path} 不是 {encoding} 编码的文本（{reason}）；请改正 source.encoding（vipgate push 用 --encoding）"
    ),
    "{path} is empty: half written, or another file is meant by source.file": (
        "{path} 是空的：还没有写完，或 source.file 应为其他文件"
    ),
    "{path} has no line {line} with the columns' names; fix source.header_line": (
        "{path} 没有第 {line} 行作表头；请改正 source.header_line"
    ),
    "{path} is not {encoding} ({reason}): half written, or another encoding": (
        "{path} 不是 {encoding} 编码（{reason}）：还没有写完，或是其他编码"
    ),
    "{path}, line {number} is too large: longer than {limit} characters; is it CSV?": (
        "{path} 第 {number} 行太大：超过 {limit} 个字符；是 CSV 吗？"
    ),
    "{path}, line {line} is too large: a record of more than {limit} characters; is there a quote that "
    "nothing closes?": "{path} 第 {line} 行太大：一条记录超过 {limit} 个字符；是否有没有配对的引号？",
    "{path}, line {line}: {reason}; is there a quote that nothing closes, or another delimiter?": (
        "{path} 第 {line} 行：{reason}；是否有没有配对的引号，或分隔符不同？"
    ),
    "{path}, line {line}: half written, or a quote that nothing closes": (
        "{path} 第 {line} 行：还没有写完，或有没有配对的引号"
    ),
    "{path} is too large: it has {count} columns, at most {limit} are read; delete those beyond the "
    "table, or fix source.delimiter": (
        "{path} 太大：有 {count} 列，最多读取 {limit} 列；请删除表格之外的列，或改正 source.delimiter"
    ),
    "source.database: give either database or file": "source.database: database 和 file 必须且只能写一个",
    "{path} is half written: {reason}": "{path} 还没有写完：{reason}",
    "{path} cannot be read: {reason}": "无法读取 {path}：{reason}",
    "{columns} is NULL in some rows": "有的行 {columns} 为 NULL",
    "several rows have {place}": "有多行同为 {place}",
    "a query": "查询",
    "source.{setting}: column {name} is not there; the source has: {columns}": (
        "source.{setting}: 没有列 {name}；数据源中有：{columns}"
    ),
    "{where}: its columns are no longer {columns}; start the agent again": (
        "{where}：列已不再是 {columns}；请重新启动代理"
    ),
    "source.key: name another key": "source.key: 请另选主键",
    "{where} has no key; name its columns in source.key": "{where} 没有主键；请在 source.key 中写明能区分各行的列",
    "source.cursor: choose another column, or CAST it to a text or DECIMAL in a query": (
        "source.cursor: 请另选一列，或在查询中用 CAST 转换为文本或 DECIMAL"
    ),
    "{where}: {names} is not compared as it is read: row {place} lies behind itself; {remedy}": (
        "{where}：{names} 读到的值与数据库比较时的值不一致：行 {place} 排在自己之后；{remedy}"
    ),
    "source.key: {fault}; name columns that identify each row, or leave the key out": (
        "source.key: {fault}；请写能区分每一行的列，或不写 key"
    ),
    "there is no primary key: all rows are compared in one long read; name the columns that identify a row (in the "
    "page: Mapping; in the file: source.key), or add a primary key": (
        "没有主键：每轮全表核对都是一次长时间的读取；请写明能区分各行的列（页面上：字段映射；文件中：source.key），或给表加上主键"
    ),
    "{nulls} rows have no {name}: only the sweep finds their changes; where another column tells when a "
    'row was made: cursor = [["{name}", "that column"], …]': (
        "{nulls} 行没有 {name}：其变更只能靠全表核对发现；如果另有一列记录创建时间，请写 "
        'cursor = [["{name}", "该列"], …]'
    ),
    "rows are dated later than now, up to {latest}: they are read again at each look; fix their "
    "{cursor_name}, the clock of what writes them, or source.time_zone": (
        "有的行时间在将来，最晚到 {latest}：每次轮询都会再读；请改正这些行的 {cursor_name}、写入程序的时钟，"
        "或 source.time_zone"
    ),
    "the cursor ({columns}) is not unique: several rows have {values}; all are read, but of two rows with one order "
    "number it may not tell the newer; choose a second column that is unique": (
        "游标（{columns}）有重复：有多行同为 {values}；这些行都会读取，但订单号相同的两行可能分不出新旧；"
        "请选择不重复的列作第二列"
    ),
    "{problem}; {columns} is unique": "{problem}；{columns} 不重复",
    "no index begins with {first}: every look reads the whole table": "没有以 {first} 开头的索引：每次轮询都要读整张表",
    "the rows have moved while they were read; name the columns that identify a row in source.key": (
        "读取期间行的位置变了；请在 source.key 中写明能唯一标识一行的列"
    ),
}
