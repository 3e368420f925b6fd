"""A word has a code only where every piece of it is known and one meaning is left."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vipgate.agent.mapping.guess_codes import is_bad_note, is_bad_status, is_good_status, meaning

SURE = {
    "plate_color": {
        "蓝": 1, "蓝色": 1, "蓝牌": 1, "小型车蓝牌": 1, "蓝底白字": 1, "白字蓝底": 1, "白底红字": 3, "新能源绿牌": 5, "未知": -1,
        "BLUE": 1, "yellow plate": 2, "蓝 色": 1, "藍色": 1, "黃底黑字": 2, "小型車綠牌": 5,
    },
    "vip_type": {
        "月卡": 1, "月租车A": 1, "A月租车": 1, "全天月卡": 1, "夜间月租": 1, "30天月卡": 1, "次月生效月卡": 1, "VIP月卡": 1,
        "业主年卡": 5, "半年卡": 7, "儲值車": 2, "計次": 3, "免費車": 0, "季度卡": 6, "储值车": 2, "次卡": 3, "免费车": 0,
        "Monthly pass": 1, "half-year card": 7, "free": 0,
    },
    "pay_type": {
        "现金": 1, "现金支付": 1, "微信公众号": 2, "扫码支付": 2, "Cash": 1, "wechat pay": 2,
        "現金": 1, "支付寶": 2, "微信公眾號": 2,
    },
}  # fmt: skip
ASKED = {
    "plate_color": ["黄绿双拼", "其他", "非蓝", "不是蓝底", "蓝白", "深蓝", "non-blue", "1", "blackberry", "新能源"],
    "vip_type": [
        "双月卡", "半月卡", "年月卡", "储值次卡", "停用月卡", "退月卡", "非月卡", "不免费", "30天", "3个月", "3月卡", "贵宾车",
        "临时车",
        "VIP", "全天", "次月卡", "not monthly", "1", "bimonthly", "免费月卡",
    ],
    "pay_type": [
        "非现金", "微信(现金)", "POS刷卡", "银行转账", "线下", "ETC", "免费", "non-cash", "cashier", "现金券", "2", "支付",
    ],
}  # fmt: skip
# Characters of pieces that are known: one of them beside a word may make another known word.
KNOWN = (
    "蓝黄白黑绿月租票保包度储值次卡计数天日年季半免费名单现金微信支付宝公众号小程序线上在扫码银联云闪网手机未知不详色牌底车类型人工付岗亭"
    "套餐停"
)


@pytest.mark.parametrize(
    ("member", "text", "code"), [(member, text, code) for member, words in SURE.items() for text, code in words.items()]
)
def test_word_whose_pieces_are_all_known_has_a_code(member: str, text: str, code: int) -> None:
    assert meaning(member, text) == code


@pytest.mark.parametrize(("member", "text"), [(member, text) for member, words in ASKED.items() for text in words])
def test_word_that_does_not_tell_has_none(member: str, text: str) -> None:
    assert meaning(member, text) is None


@given(
    st.sampled_from([("plate_color", "蓝色"), ("vip_type", "月卡"), ("vip_type", "免费"), ("pay_type", "现金")]),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.booleans(),
)
def test_piece_that_was_never_seen_never_leaves_a_meaning(known: tuple[str, str], piece: str, is_before: bool) -> None:
    member, word = known
    assume(piece not in KNOWN)
    assert meaning(member, f"{piece}{word}" if is_before else f"{word}{piece}") is None


@pytest.mark.parametrize("text", ["已支付", "支付成功", "正常", "有效", "PAID", "success", "Active"])
def test_status_of_a_sale_is_known(text: str) -> None:
    assert is_good_status(text)
    assert not is_bad_status(text)


@pytest.mark.parametrize(
    "text", ["未支付", "待支付", "已退款", "作废", "已取消", "支付失败", "refunded", "VOID", "unpaid"]
)
def test_status_that_is_none_of_a_sale_is_known(text: str) -> None:
    assert is_bad_status(text)
    assert not is_good_status(text)


@pytest.mark.parametrize("text", ["1", "0", "是", "Y", "处理中", ""])
def test_status_that_was_never_seen_is_no_sale_for_certain(text: str) -> None:
    assert not is_good_status(text)


@pytest.mark.parametrize(
    "text", ["作废", "9月5日退款300元", "退1500", "输错，重开", "客户要求取消", "与第3行重复", "Refunded"]
)
def test_note_that_says_that_a_row_is_no_sale_is_known(text: str) -> None:
    assert is_bad_note(text)


@pytest.mark.parametrize("text", ["", "老业主", "退休职工", "待开发票", "未来路12号", "B栋301"])
def test_other_notes_deny_nothing(text: str) -> None:
    assert not is_bad_note(text)
