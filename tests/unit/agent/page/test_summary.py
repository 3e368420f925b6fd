"""The one sentence is never better than what the status shows."""

from __future__ import annotations

from typing import Any

import pytest

from vipgate.agent.page.summary import summarize
from vipgate.agent.page.texts import TEXTS
from vipgate.agent.status import RecentRequest, Status, Sweep
from vipgate.i18n import Language
from vipgate.support.web.translator import Translator

NOW_US = 1_764_000_000_000_000
MINUTE_US = 60_000_000
SWEPT = Sweep(total=12_408, begun_us=NOW_US - 300 * MINUTE_US, ended_us=NOW_US - 290 * MINUTE_US)


def status(**changes: Any) -> Status:
    made = Status(at_us=NOW_US, is_snapshot_done=True, sweep=SWEPT)
    made.requests = [RecentRequest(NOW_US - 3 * MINUTE_US, "S1", 5), RecentRequest(NOW_US, "S2", 5, "500 busy")]
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def in_trouble() -> Status:
    made = status()
    made.tell("platform", "cannot connect", NOW_US)
    return made


@pytest.mark.parametrize(
    ("given", "is_alive", "tone", "said"),
    [
        (None, False, "", "has not run yet"),
        (
            status(),
            True,
            "good",
            "The 12,408 rows of the source were read and compared: every renewal that is to be sent is",
        ),
        (status(), False, "bad", "not running"),
        (status(dead=3), True, "warn", "except 3 rejected rows"),
        (status(backlog=7), True, "warn", "Changes that wait to be sent: 7"),
        (status(sweep=Sweep()), True, "good", "has not been read yet"),
        (
            status(is_snapshot_done=False, snapshot_total=1000, snapshot_done=400, rate_a_second=10.0),
            True,
            "warn",
            "60 s left",
        ),
        (status(is_snapshot_done=False, snapshot_total=1000, snapshot_done=400), True, "warn", "cannot be estimated"),
        (in_trouble(), True, "bad", "there is trouble"),
    ],
)
def test_sentence_and_its_tone(given: Status | None, is_alive: bool, tone: str, said: str) -> None:
    found = summarize(Translator("en", TEXTS), given, is_alive=is_alive, now_us=NOW_US)
    assert (found.tone, said in found.text) == (tone, True), found.text


@pytest.mark.parametrize(("language", "said"), [("zh", "3 分钟前"), ("en", "3 min ago")])
def test_last_sent_is_the_last_that_was_stored(language: Language, said: str) -> None:
    assert said in summarize(Translator(language, TEXTS), status(), is_alive=True, now_us=NOW_US).more[0]


@pytest.mark.parametrize("dead", [0, 3])
@pytest.mark.parametrize(
    ("language", "said"), [("zh", "符合过滤条件、应发送"), ("en", "to be sent (those that pass the filters)")]
)
def test_with_filters_not_every_row_that_was_compared_is_said_to_be_sent(
    language: Language, said: str, dead: int
) -> None:
    found = [
        summarize(
            Translator(language, TEXTS), status(dead=dead), is_alive=True, now_us=NOW_US, is_filtered=is_filtered
        ).text
        for is_filtered in (True, False)
    ]
    assert [said in text for text in found] == [True, False]


@pytest.mark.parametrize(
    ("was_stopped", "tone", "said"), [(True, "warn", "The agent was stopped"), (False, "bad", "is not running")]
)
def test_wished_stop_is_no_trouble(was_stopped: bool, tone: str, said: str) -> None:
    found = summarize(Translator("en", TEXTS), status(), is_alive=False, now_us=NOW_US, was_stopped=was_stopped)
    assert found.tone == tone
    assert said in found.text
    failed = summarize(Translator("en", TEXTS), in_trouble(), is_alive=False, now_us=NOW_US, was_stopped=was_stopped)
    assert failed.tone == "bad"
