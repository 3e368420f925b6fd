"""Texts of the overview."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "sums.money": LocalizedText("收款", "Money"),
    "sums.rows": LocalizedText("收到的行", "Rows received"),
    "overview.parks": LocalizedText("需要关注的车场", "Parks that need attention"),
    "overview.all": LocalizedText("全部 {n}", "All {n}"),
    "overview.many": LocalizedText("只统计了前 {n} 个车场", "Counts only the first {n} parks"),
    "overview.no_sick": LocalizedText("所有车场推送正常", "All parks push normally"),
}
