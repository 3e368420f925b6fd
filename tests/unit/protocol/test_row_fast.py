"""Which texts may hold a number that a float would round."""

from __future__ import annotations

import pytest

from vipgate.protocol.row_fast import may_hold_floats


@pytest.mark.parametrize(
    "number",
    ["1e-3", "-1E-3", "0.5", " 1e-3", "10000e-00004", "9" * 31 + "e-30", "9" * 500 + "e-499", "-" + "9" * 31 + "E-1"],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_number_that_a_float_would_round_is_found(number: str, quote: str) -> None:
    assert may_hold_floats(f'{{"value":{quote}{number}{quote}}}'.encode())
    assert may_hold_floats(f'{{"value" :\n {quote}{number}{quote}}}'.encode())


@pytest.mark.parametrize(
    "text", ["6c1f2a3e-4b5e-412e-9c3e-0123456789ae", "cafe-1", "E-1", "A3E-4", "1e3", "2022-09-30"]
)
def test_text_with_the_letters_of_an_exponent_is_no_number(text: str) -> None:
    assert not may_hold_floats(f'{{"pay_partner":"{text}"}}'.encode())
