"""Folds a text for comparisons with known words: width, case, and traditional characters to simplified ones. Pure."""

from __future__ import annotations

from typing import Final
from unicodedata import normalize

# Those that occur in the words of columns and codes. A character that stands for several is the one meant there: 後 and 衝, 餘.
_TRADITIONAL: Final = (
    "業個買雲產優會餘儲單務動區減則創刪別辦雙變號後員週圖場備復複實寶賓庫應廢異張錄徑態總戶掃據數無時條來標匯漸滯狀現碼種積稱稅筆類紅納線終經"
    "結續維綠編繳網聯藍規計訂記證詳誤說敗賬帳購貴費賃資贈車輛輯輸過還邏錢銀銷錯鍵長閃閉間際頁項顏額駁黃沖衝準臺憑關開內當價眾註舊機"
)
_SIMPLIFIED: Final = (
    "业个买云产优会余储单务动区减则创删别办双变号后员周图场备复复实宝宾库应废异张录径态总户扫据数无时条来标汇渐滞状现码种积称税笔类红纳线终经"
    "结续维绿编缴网联蓝规计订记证详误说败账账购贵费赁资赠车辆辑输过还逻钱银销错键长闪闭间际页项颜额驳黄冲冲准台凭关开内当价众注旧机"
)
_TO_SIMPLIFIED: Final = str.maketrans(_TRADITIONAL, _SIMPLIFIED)


def folded(text: str) -> str:
    """The text as it is compared, without blanks around it."""
    return normalize("NFKC", text).casefold().translate(_TO_SIMPLIFIED).strip()


def simplified(text: str) -> str:
    """The text in simplified characters."""
    return text.translate(_TO_SIMPLIFIED)
