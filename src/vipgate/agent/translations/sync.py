"""The agent's work: status, warnings, log events."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "missed by the cursor": "游标漏掉的",
    "time set back": "时间往回改的",
    "changed": "有变更的",
    "{cursor} is NULL": "{cursor} 为 NULL 的",
    "agent begins": "代理启动",
    "{reason}; its traceback is in the log": "{reason}；错误栈见日志",
    "the agent ended: {reason}": "代理已退出：{reason}",
    "agent ends": "代理退出",
    "{trouble}\nNothing more was sent; `vipgate agent check` says what to fix.": (
        "{trouble}\n没有再发送任何内容；`vipgate agent check` 会说明需要改正什么。"
    ),
    "all acknowledged; the next run sends rows again that an older copy may overtake": (
        "已全部确认；可能被旧副本覆盖的行，由下一次运行重发"
    ),
    "the clock was set back": "时钟被往回拨",
    "the snapshot waits until no request of the run before can arrive": "等到上次运行的请求不可能再到达，才发送存量",
    "sending": "发送",
    "sending failed, {reason}; its traceback is in the log": "发送出错，{reason}；错误栈见日志",
    "push failed": "推送失败",
    "replace acknowledged; the rest waits for late copies": "全量替换已确认；其余等待迟到的副本",
    "batches halved": "批次减半",
    "sending {count} requests": "正在发送 {count} 个请求",
    "waiting": "等待中",
    "whether its settings can work": "设置是否可用",
    "its clock": "数据源的时钟",
    "rows from {cursor} {value} on": "{cursor} 从 {value} 起的行",
    "samples of {cursor}": "{cursor} 的样本",
    "the newest {cursor}": "最新的 {cursor}",
    "the newest key": "最新的主键",
    "rows with a new key": "主键为新的行",
    "rows with an order number in common": "订单号相同的行",
    "dead letter": "死信",
    "{left} rows have an order number that other rows have, too, and are too many to be compared: they "
    "were not sent, and are no dead letters; name the columns that identify each row in source.key, or "
    "give each sale an order number of its own": (
        "{left} 行的订单号与其他行相同，数量太多，无法比较：没有发送，也不是死信；请在 source.key 中写明能区分各行的列，"
        "或让每笔销售有自己的订单号"
    ),
    "rows not compared and not sent": "有的行没有比较，也没有发送",
    "order numbers may have been rounded": "有的订单号可能被舍入",
    "values that no filter names": "过滤条件中没有写到的值",
    "{count} records that were sent no longer pass the filters ({orders}): they stay on the platform; the interface has no "
    "deletion, only a replace removes them": (
        "{count} 条已发送的记录现在不符合过滤条件（{orders}）：它们仍在平台上；接口没有删除功能，只有“替换”才能去掉它们"
    ),
    "records that were sent no longer pass the filters": "已发送的记录不再符合过滤条件",
    "rows of different plates under one order number": "同一订单号下有不同车牌的行",
    "the sweep found {missed} changes that {cursor_name} did not show: it is not to be trusted as a "
    "cursor; the changes were sent, later than others": (
        "全表核对才发现 {missed} 处变更，因为 {cursor_name} 没有随之更新：这一列不适合作游标；这些变更仍会发送，只是比其他变更晚"
    ),
    "changes missed by the cursor": "游标漏掉了变更",
    "the platform refuses every row: {reason}": "每一行都被平台拒绝：{reason}",
    "reading {what} for {seconds:.0f} s": "正在读取{what}，已 {seconds:.0f} 秒",
    "{reason}\nGave up after {seconds:g} s without progress. The next run goes on where this one ended; "
    "--give-up-after-s waits longer.": (
        "{reason}\n{seconds:g} 秒没有进展，已放弃。下次运行从这里继续；用 --give-up-after-s 可以等得更久。"
    ),
    "reading hangs": "读取卡住",
    "{count} reads of the source hang and were given up: look at the database or the network share": (
        "{count} 个读取数据源的操作卡住，已放弃：请检查数据库或网络共享"
    ),
    "{trouble}\nNot all was read; fix it and run this again.": "{trouble}\n没有全部读完；请改正后再次运行。",
    "the configuration has changed: all rows are compared with what was sent": (
        "配置已改变：正在把全部行与已发送的内容重新比较"
    ),
    "{later} rows are dated later than now, up to {latest}: they are sent, and read again at each "
    "look; fix their {cursor_name}, the clock of what writes them, or source.time_zone": (
        "{later} 行的时间在将来，最晚到 {latest}：照常发送，每次轮询都会再读；请改正这些行的 {cursor_name}、写入程序的时钟，"
        "或 source.time_zone"
    ),
    "rows dated later than now": "有的行时间在将来",
    "{share:.0%} of spool.bytes_max are in use": "已使用 spool.bytes_max 的 {share:.0%}",
    "spool fills up": "本地缓存快满",
    "source unavailable": "数据源不可用",
    "source available again": "数据源已恢复",
    "opening the source": "（打开数据源）",
    "closing the source": "（关闭数据源）",
    "reading of the source": "读取数据源",
    "The reading of the source has ended: {reason}; start the agent again.": (
        "读取数据源的线程已退出：{reason}；请重新启动代理。"
    ),
    "how many rows there are": "总行数",
    "all rows, page by page": "全部行（分页）",
    "all rows, in one stream": "全部行（一次读完）",
}
