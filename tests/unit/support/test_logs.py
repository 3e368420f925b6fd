"""A log without plates, whatever an error quotes."""

from __future__ import annotations

import io
import json

import pytest
import structlog

from vipgate.support.logs import hide_plates, set_up_logs


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Failing row: 粤B12345, 粤BD12345", "Failing row: 粤B***45, 粤B***45"),
        ("京A1234警 and 粤Z123港", "京A***4警 and 粤Z123港"),
        ("粤B12345粤B98765京A1234警粤BD54321", "粤B***45粤B***65京A***4警粤B***21"),
        ("使014578 and WJ粤12345", "使0***78 and WJ粤***45"),
        ("车场 park-1 已停用", "车场 park-1 已停用"),
        ("20261125102019564603751035724725", "20261125102019564603751035724725"),
    ],
)
def test_plate_in_an_error_is_hidden_in_the_log(text: str, hidden: str) -> None:
    assert hide_plates(text) == hidden


def test_row_that_a_database_shows_with_its_error_is_not_logged() -> None:
    words = "violates check\nDETAIL:  Failing row contains (p, " + "-".join(("FOREIGN", "PLATE")) + ", 粤B12345)"
    before = structlog.get_config()
    kept = io.StringIO()
    try:
        set_up_logs()
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(kept))
        try:
            raise ValueError(words)
        except ValueError:
            structlog.get_logger().exception("commit failed", seqno="1")
    finally:
        structlog.configure(**before)
    assert json.loads(kept.getvalue())["seqno"] == "1"
    assert "violates check" in kept.getvalue()
    assert "FOREIGN-PLATE" not in kept.getvalue()
    assert "粤B12345" not in kept.getvalue()
