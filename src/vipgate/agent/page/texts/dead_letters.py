"""Texts of the dead letters."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "dead.lead": LocalizedText(
        "字段映射或平台拒绝的行，共 {n} 行。在数据源或映射中更正后点“重试”；数据源中的行有变更时，代理也会自动重试。",
        "{n} rows that the mapping or the platform rejected. Fix them at the source or in the mapping, then retry; a row that "
        "changes at the source is retried by itself.",
    ),
    "dead.none": LocalizedText("没有死信：没有被拒绝的行。", "No dead letters: no row was rejected."),
    "dead.list": LocalizedText("被拒绝的行", "Rejected rows"),
    "dead.number": LocalizedText("编号", "Number"),
    "dead.at": LocalizedText("时间", "Time"),
    "dead.place": LocalizedText("位置", "Place"),
    "dead.order": LocalizedText("订单号", "Order number"),
    "dead.reason": LocalizedText("原因", "Reason"),
    "dead.title": LocalizedText("死信 {n}", "Dead letter {n}"),
    "dead.source": LocalizedText("数据源中的这一行", "The row at the source"),
    "dead.row": LocalizedText("发送的内容", "As it was sent"),
    "dead.no_row": LocalizedText("没有发送：映射时就被拒绝了", "Not sent: the mapping rejected it"),
    "dead.column": LocalizedText("列", "Column"),
    "dead.value": LocalizedText("值", "Value"),
    "dead.retry": LocalizedText("重试这一行", "Retry this row"),
    "dead.retry.all": LocalizedText("全部重试", "Retry all"),
    "dead.retry.hint": LocalizedText("重试会重新读取整个数据源。", "A retry reads the whole source again."),
    "dead.export": LocalizedText("导出 CSV", "Export as CSV"),
    "dead.discard": LocalizedText("丢弃这一行", "Discard this row"),
    "dead.discard.all": LocalizedText("全部丢弃", "Discard all"),
    "dead.retried": LocalizedText(
        "重试结束：{queued} 行已排队，由代理发送；{wrong} 行仍有错误。",
        "The retry has ended: {queued} rows are queued, the agent sends them; {wrong} are still wrong.",
    ),
    "discard.title": LocalizedText("确定丢弃？", "Discard for good?"),
    "discard.one": LocalizedText(
        "死信 {n} 将被删除。除非这一行在数据源中再有变更，平台永远收不到它。",
        "Dead letter {n} will be deleted. The platform never gets this row, unless it changes at the source.",
    ),
    "discard.all": LocalizedText(
        "全部 {n} 条死信将被删除。除非这些行在数据源中再有变更，平台永远收不到它们。",
        "All {n} dead letters will be deleted. The platform never gets these rows, unless they change at the source.",
    ),
    "discard.do": LocalizedText("确定丢弃", "Discard"),
    "done.discarded": LocalizedText("已丢弃 {n} 行", "{n} discarded"),
}
