"""The texts of the pages about overview."""

from __future__ import annotations

from typing import Final

from vipgate.errors import Words

TEXTS: Final = {
    "sums.money": Words("收款", "Money"),
    "sums.rows": Words("收到的行", "Rows received"),
    "overview.parks": Words("需要关注的车场", "Parks that want a look"),
    "overview.all": Words("全部 {n}", "All {n}"),
    "overview.many": Words("只统计了前 {n} 个车场", "Only the first {n} parks are counted here"),
    "overview.no_sick": Words("所有车场推送正常", "All parks push as usual"),
}
