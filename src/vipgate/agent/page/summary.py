"""Says in one sentence how things stand. It never says more than the status shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vipgate.agent.status import Status
from vipgate.support.web.translator import Translator

Tone = Literal["good", "warn", "bad", ""]
STALE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Summary:
    """The sentence and its tone; `more` are further facts, `refreshes` says that figures change while one looks."""

    tone: Tone
    text: str
    more: tuple[str, ...] = ()
    refreshes: bool = False


def summarize(
    t: Translator,
    status: Status | None,
    *,
    is_alive: bool,
    now_us: int,
    is_filtered: bool = False,
    was_stopped: bool = False,
) -> Summary:
    """Returns the summary of a status; None before the first run.

    `is_filtered`: not every row of the source is sent. `was_stopped`: the last run ended because somebody wished so.
    """
    if status is None:
        return Summary(
            "warn" if is_alive else "", t("sum.starting") if is_alive else t("sum.never"), refreshes=is_alive
        )
    more = tuple(_facts(t, status, now_us))
    if not is_alive:
        ago = t.span((now_us - status.at_us) / 1e6)
        if was_stopped and not status.lasting:
            return Summary("warn", t("sum.ended", ago=ago, n=t.number(status.backlog)), more)
        return Summary("bad", t("sum.stopped", ago=ago, n=t.number(status.backlog)), more)
    if status.lasting:
        return Summary("bad", t("sum.trouble", n=t.number(status.backlog)), more, refreshes=True)
    if not status.is_snapshot_done:
        return Summary("warn", _snapshot(t, status), more, refreshes=True)
    if status.backlog:
        return Summary("warn", t("sum.backlog", n=t.number(status.backlog)), more, refreshes=True)
    rows = status.sweep.total
    if status.sweep.begun_us is None or rows is None:
        text = t("sum.sent") if not status.dead else t("sum.sent.dead", dead=t.number(status.dead))
    else:
        passing = t("sum.passing") if is_filtered else ""
        key = "sum.all.dead" if status.dead else "sum.all"
        text = t(key, n=t.number(rows), passing=passing, dead=t.number(status.dead))
    return Summary("warn" if status.dead or status.warnings else "good", text, more, refreshes=True)


def _snapshot(t: Translator, status: Status) -> str:
    """Progress of the snapshot, with an estimate from the rate of the last seconds."""
    done = t.number(status.snapshot_done)
    if status.snapshot_total is None:
        return t("sum.snapshot.open", done=done)
    left = t("sum.left.unknown") if status.eta_s is None else t("sum.left", span=t.span(max(1.0, status.eta_s)))
    return t("sum.snapshot", done=done, total=t.number(status.snapshot_total), left=left)


def _facts(t: Translator, status: Status, now_us: int) -> list[str]:
    facts = []
    stored = [one for one in status.requests if not one.reason]
    if stored:
        facts.append(t("fact.last", ago=t.span(max(0.0, (now_us - stored[-1].at_us) / 1e6))))
    age_s = status.sweep.truth_age_s(now_us)
    if age_s is not None and status.sweep.ended_us is not None:
        facts.append(t("fact.compared", ago=t.span(max(0.0, (now_us - status.sweep.ended_us) / 1e6))))
    else:
        facts.append(t("fact.not_compared"))
    if status.sweep.missed:
        facts.append(t("fact.missed", n=t.number(status.sweep.missed)))
    return facts
