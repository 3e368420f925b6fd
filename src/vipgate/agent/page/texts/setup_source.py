"""Texts of the source's step."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "step.source": LocalizedText("数据源", "Source"),
    "source.lead": LocalizedText(
        "停车系统的续费记录在哪里？只读取，不写入，不影响停车程序。",
        "Where are the renewals of your parking program? They are only read; nothing is written there.",
    ),
    "source.where": LocalizedText("位置", "Place"),
    "source.kind": LocalizedText("种类", "Kind"),
    "kind.file": LocalizedText("文件（CSV、Excel）", "File (CSV, Excel)"),
    "kind.mysql": LocalizedText("MySQL / MariaDB", "MySQL / MariaDB"),
    "kind.mssql": LocalizedText("SQL Server", "SQL Server"),
    "kind.postgresql": LocalizedText("PostgreSQL", "PostgreSQL"),
    "kind.sqlite": LocalizedText("SQLite", "SQLite"),
    "kind.access": LocalizedText("Access", "Access"),
    "kind.address": LocalizedText("其他：完整的数据库地址", "Other: a whole database address"),
    "source.path": LocalizedText("文件路径", "Path of the file"),
    "source.path.legend": LocalizedText("文件、SQLite、Access", "File, SQLite, Access"),
    "source.path.hint": LocalizedText("例如 D:\\park\\续费.xlsx", "for example D:\\park\\renewals.xlsx"),
    "source.server.legend": LocalizedText(
        "数据库服务器（MySQL、SQL Server、PostgreSQL）", "Database server (MySQL, SQL Server, PostgreSQL)"
    ),
    "source.server": LocalizedText("服务器", "Server"),
    "source.server.hint": LocalizedText("本机填 127.0.0.1", "127.0.0.1 for this machine"),
    "source.port": LocalizedText("端口", "Port"),
    "source.port.hint": LocalizedText("不填则用默认端口", "empty: the usual one"),
    "source.database": LocalizedText("数据库名", "Database"),
    "source.user": LocalizedText("用户", "User"),
    "source.user.hint": LocalizedText("最好是只能读取的用户", "best one that may only read"),
    "source.password": LocalizedText("密码", "Password"),
    "source.password.hint": LocalizedText(
        "保存在配置文件旁的 .env 文件中，不会再显示",
        "kept in the .env file next to the configuration, and never shown again",
    ),
    "source.password.kept": LocalizedText(
        "已保存密码，不显示；只在更换时填写", "a password is stored and is not shown; fill this in only to change it"
    ),
    "source.password.forgotten": LocalizedText(
        "已保存的密码属于原来的种类、服务器、端口和用户，已删除；如需密码，请重新填写",
        "the stored password belonged to the former kind, server, port and user, and was deleted; fill it in again if one is "
        "needed",
    ),
    "source.address": LocalizedText("数据库地址", "Database address"),
    "source.address.hint": LocalizedText(
        "例如 mssql+pyodbc://用户:密码@主机/库?driver=…；保存后不再显示",
        "such as mssql+pyodbc://user:password@host/database?driver=…; never shown again",
    ),
    "source.address.kept": LocalizedText(
        "已保存地址及其中的密码，不显示；只在更换时填写",
        "an address is stored with its password, and is not shown; fill this in only to change it",
    ),
    "source.do": LocalizedText("保存并连接", "Save and connect"),
    "source.tables": LocalizedText("选择表", "Choose the table"),
    "source.tables.hint": LocalizedText(
        "最像续费记录的排在前面。行数最多数到 {n}；“–”表示 {seconds} 秒内没有数到。",
        "The likeliest ones come first. Rows are counted up to {n}; “–”: not counted within {seconds} s.",
    ),
    "source.tables.more": LocalizedText("另有 {n} 张表未列出；请写出表名", "{n} more are not listed; name yours"),
    "source.empty": LocalizedText(
        "数据源中还没有行，所以下面的建议只根据列名。有了续费记录后请重新读取。",
        "The source has no rows yet, so what is below comes from the columns' names only. Read again once there are renewals.",
    ),
    "source.read": LocalizedText("{ago}前读取。", "Read {ago} ago."),
    "source.again": LocalizedText("重新读取", "Read again"),
    "source.table": LocalizedText("表或视图", "Table or view"),
    "source.rows": LocalizedText("行数", "Rows"),
    "source.columns": LocalizedText("列数", "Columns"),
    "source.fit": LocalizedText("是否像续费记录", "Like renewals?"),
    "source.fit.good": LocalizedText("像", "yes"),
    "source.fit.names": LocalizedText("认出：{names}", "recognised: {names}"),
    "source.fit.plate": LocalizedText("没有车牌列", "no plate"),
    "source.fit.none": LocalizedText("列名都不认识", "no column recognised"),
    "source.connected": LocalizedText("已连接，找到 {n} 张表和视图。", "Connected. Tables and views found: {n}."),
    "source.connected.none": LocalizedText(
        "已连接，但此用户看不到任何表：请授予 SELECT 权限，或写出表名",
        "Connected, but this user sees no table: grant SELECT, or name the table",
    ),
    "source.named": LocalizedText("表名", "Name of the table"),
    "source.named.hint": LocalizedText(
        "表不在列表中时填写，可写成 模式.表；填写后不再使用上面选择的表",
        "if it is not in the list, such as schema.table; it takes the place of the table above",
    ),
    "source.query.more": LocalizedText("用查询代替（多张表关联时）", "Use a query instead (to join tables)"),
    "source.query": LocalizedText("查询", "Query"),
    "source.query.hint": LocalizedText(
        "以 SELECT 开头；填写后不再使用上面选择的表", "begins with SELECT; it takes the place of the table above"
    ),
    "source.choose": LocalizedText("使用这张表，建议字段映射", "Use this table and propose a mapping"),
}
