"""Checks a configuration: network, clock, signature, source, mapping, disk. Sends no record."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from vipgate.agent.config import Config, Platform, Signature
from vipgate.agent.mapping.replaced import replaced_text
from vipgate.agent.mapping.rounded_orders import doubt_text
from vipgate.agent.mapping.seen_orders import ORDERS_MAX
from vipgate.agent.mapping.unjudged import unjudged_text
from vipgate.agent.opening import agent_files, platform_client, source_of
from vipgate.agent.responses import Accepted, AccessDenied, Rejected, RetryLater
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.rehearsal import POLL_SECONDS_MAX, RowCounts, count_rows, poll_once
from vipgate.agent.sources.base import Source, SourceUnavailable, shown_place, unexpected
from vipgate.agent.sources.file_source import FileSource
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import tr, translatable
from vipgate.protocol.signature_hmac import WINDOW_S
from vipgate.support.background import report
from vipgate.support.os_errors import error_reason
from vipgate.support.private_files import find_exposed

CLOCK_DIFFERENCE_S_MAX: Final = 60.0
SHOWN_MAX: Final = 5
QUESTIONS_MAX: Final = 30
FREE_MIB_MIN: Final = 512


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `remedy` is empty if it passed; a warning needs no action. `what` is a code, see `tr`.

    `counts`: what became of the source's rows, if this is the finding about them.
    """

    what: str
    found: str
    remedy: str = ""
    is_warning: bool = False
    counts: RowCounts | None = None


def find_problems(config: Config, spool: Path) -> Iterator[Finding]:
    """Yields the result of every check."""
    yield Finding("config", str(config.path))
    yield from check_questions(config.path)
    yield from check_disk(spool)
    for one in find_exposed(agent_files(config, spool)):
        yield Finding("rights", one.text, one.remedy)
    yield from check_source(config)
    yield from check_platform(config.platform)


def check_questions(path: Path) -> Iterator[Finding]:
    """Warns of the questions of the configuration that nobody has answered, with their lines."""
    questions = ConfigDocument(path).questions()
    for one in questions[:QUESTIONS_MAX]:
        found = tr(
            "line {line} asks: {question}?", line=one.line, question=f"{one.name}: {one.text}" if one.name else one.text
        )
        yield Finding("mapping", found, tr("answer it: correct the line, then remove the comment # ?"), is_warning=True)
    if len(questions) > QUESTIONS_MAX:
        left = tr("{count} more questions are not answered", count=len(questions) - QUESTIONS_MAX)
        yield Finding("mapping", left, tr("look for # ? in the file"), is_warning=True)


def check_disk(spool: Path) -> Iterator[Finding]:
    """Checks that the spool's folder can be written and has room."""
    folder = spool.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            free_mib = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        yield Finding(
            "spool",
            tr("cannot write {folder}: {reason}", folder=folder, reason=error_reason(error)),
            tr("make the folder, or give the agent's user the right to write it"),
        )
        return
    low = tr("make room: the spool holds what the network cannot take") if free_mib < FREE_MIB_MIN else ""
    yield Finding("spool", tr("{spool}, {free_mib} MiB free", spool=spool, free_mib=free_mib), low)


def check_source(config: Config) -> Iterator[Finding]:
    """Checks that the source can be read as the agent reads it, and what becomes of its rows."""
    try:
        source = source_of(config)
    except VipgateError as error:
        yield Finding("source", str(error), tr("see the guide, “Sources”"))
        return
    try:
        yield Finding("source", tr("{where}, columns {columns}", where=source.where, columns=", ".join(source.columns)))
        yield from _check_reads(config, source)
        if isinstance(source, FileSource) and (left_out := source.left_out_text()):
            yield Finding("source", left_out)
    finally:
        source.close()


def _check_reads(config: Config, source: Source) -> Iterator[Finding]:
    """Makes each read that a run makes: an error of the database's or its driver's must not come after the start."""
    try:
        try:
            source.check()
        except UsageError as error:
            yield Finding("source", str(error), tr("see the guide, “Cursor”"))
        for problem in source.problems():
            section = tr("see the guide, “Cursor”") if config.source.file is None else tr("see the guide, “Files”")
            yield Finding("source", problem, section, is_warning=True)
        yield from check_mapping(count_rows(config, source))
        if not poll_once(config, source):
            found = tr(
                "a look at what is new takes longer than {seconds:g} s: not all of it was tried",
                seconds=POLL_SECONDS_MAX,
            )
            yield Finding("source", found, tr("see the guide, “Cursor”"), is_warning=True)
    except UsageError as error:
        yield Finding("mapping", str(error), tr("fix mapping or source"))
    except SourceUnavailable as error:
        yield Finding("source", str(error), tr("see the guide, “Sources”"))
    except Exception as error:  # noqa: BLE001 - a driver's: the start must not be the first to meet it
        report(tr("reading of the source"), error)
        yield Finding("source", str(unexpected(error)), tr("see the guide, “Sources”"))


def check_mapping(counts: RowCounts) -> Iterator[Finding]:
    """Says how many rows can be sent, and names the first of those that cannot."""
    looked_at = (
        tr("of all {rows} rows", rows=counts.rows)
        if counts.is_all
        else tr("of the first {rows} rows", rows=counts.rows)
    )
    found = tr("{rows} {ready} can be sent, {dead} cannot", rows=looked_at, ready=counts.ready, dead=counts.dead)
    if counts.left_out:
        found += tr("; the filters leave out {left_out}", left_out=counts.left_out)
    if counts.merged:
        found += tr("; {merged} are of an order number that another row has, too", merged=counts.merged)
    yield Finding("mapping", found, counts=counts)
    if counts.doubtful:
        place, order = counts.first_doubtful
        doubt = doubt_text(counts.doubtful, shown_place(place), order)
        yield Finding("mapping", doubt, tr("see the guide, “The file”"), is_warning=True)
    if not counts.is_compared:
        found = tr(
            "more than {limit} order numbers: rows that share one of the others are not found here", limit=ORDERS_MAX
        )
        yield Finding("mapping", found)
    if counts.replaced:
        yield Finding(
            "mapping", replaced_text(counts.replaced), tr("fix the mapping, or the row at its source"), is_warning=True
        )
    if counts.quantity is not None:
        question = tr("quantity: {question}?", question=counts.quantity.question)
        yield Finding("mapping", question, tr("see the guide, “What is guessed, and what is asked”"), is_warning=True)
    if counts.unjudged:
        yield Finding("mapping", unjudged_text(counts.unjudged), tr("see the guide, “The file”"), is_warning=True)
    # A row that cannot be sent becomes a dead letter, and holds up no other.
    remedy = tr("fix the mapping, or the row at its source")
    groups = sorted(counts.refused.values(), key=lambda group: -group.count)
    for group in groups[:SHOWN_MAX]:
        place = shown_place(group.first.place)
        text = f"{place}: {group.reason}"
        if group.count > 1:
            text = tr("{n} rows, the first is {place}: {reason}", n=group.count, place=place, reason=group.reason)
        yield Finding("mapping", text, remedy, is_warning=counts.ready > 0)
    if more := sum(group.count for group in groups[SHOWN_MAX:]) + counts.more_refused:
        yield Finding("mapping", tr("{n} more rows cannot be sent", n=more), remedy, is_warning=counts.ready > 0)


def check_platform(platform: Platform) -> Iterator[Finding]:
    """Checks network, clock and signature by a request that stores nothing."""
    with platform_client(platform) as client:
        answer, date = client.probe()
    if isinstance(answer, RetryLater) and answer.seqno:
        # Somebody answered: it is not the network.
        yield Finding("network", platform.url)
        found = tr("{reason} (seqno {seqno})", reason=answer.reason, seqno=answer.seqno)
        yield Finding("signature", found, tr("ask the platform, with the seqno"))
        return
    if isinstance(answer, RetryLater):
        yield Finding("network", answer.reason, tr("check platform.url, the network, a proxy, a firewall"))
        return
    yield Finding("network", platform.url, unencrypted_remedy(platform.url), is_warning=True)
    if date is not None:
        yield _clock(date, platform.signature)
    if isinstance(answer, AccessDenied):
        yield Finding("signature", answer.reason, tr(_ACCESS[answer.code]))
    elif isinstance(answer, Rejected | Accepted):
        yield Finding("signature", tr("the platform takes this park's signature"))
    else:
        yield Finding("signature", answer.reason, tr("ask the platform, with the seqno"))


def unencrypted_remedy(url: str) -> str:
    """The remedy for an address without encryption; empty if traffic is encrypted or local."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_here = host == "localhost" or host == "::1" or host.startswith("127.")
    if parts.scheme == "https" or is_here:
        return ""
    return tr(
        "http is not encrypted: anyone on the network path can read plates and can send a recorded push again; "
        "ask the platform for its https address"
    )


_ACCESS: Final = {
    "400": translatable("an agent writes UTF-8: ask the platform to run vipgate park set PARK_UUID --charset utf-8"),
    "401": translatable(
        "check park_uuid and secret with the platform; after a rotation use the new secret; where it "
        'wants HMAC: choose it in the field “Signature” of the set-up, or write platform.signature = "hmac"'
    ),
    "403": translatable("ask the platform to put this machine's address on the park's allow list"),
    "404": translatable("fix platform.url: no server at this address implements the interface"),
    "405": translatable("fix platform.url: no server at this address implements the interface"),
}


def _clock(date: str, signature: Signature) -> Finding:
    with suppress(ValueError, TypeError):
        difference_s = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
        wrong = abs(difference_s) > CLOCK_DIFFERENCE_S_MAX
        remedy = tr("set this machine's clock (NTP)")
        if signature == "hmac":
            remedy = tr(
                "set this machine's clock (NTP): a platform rejects an HMAC signature that is {seconds} s off",
                seconds=WINDOW_S,
            )
        return Finding(
            "clock", tr("{difference_s:+.0f} s from the platform's", difference_s=difference_s), remedy if wrong else ""
        )
    return Finding("clock", tr("the platform's cannot be read: {date}", date=date[:40]))
