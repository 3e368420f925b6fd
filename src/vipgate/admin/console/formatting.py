"""Formats a record's members for pages: names for codes, Beijing times, yuan; masks personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from vipgate.admin.console.i18n import Translator
from vipgate.admin.console.request import StaffRequest
from vipgate.domain.masking import HIDDEN
from vipgate.protocol.renewal import FLAG_NAMES, PERSONAL_MEMBERS, Renewal, format_value
from vipgate.protocol.row import VIP_TYPES
from vipgate.protocol.seqno import seqno_time_us
from vipgate.store.interfaces.ledger import BEIJING_OFFSET_US, DAY_US, StoredRecord, business_day
from vipgate.store.interfaces.queries import RecordHit

# What a record's page shows besides its order number, which is its title, and its flags.
MEMBERS: Final = tuple(name for name in Renewal.__struct_fields__ if name not in ("pay_partner", "flags"))
VERSIONS_SHOWN_MAX: Final = 20
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record in a table."""

    park_uuid: str
    one: Renewal
    flags: list[str]
    period: str
    changed_us: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A member that differs between two versions."""

    member: str
    before: str
    after: str

    @property
    def hidden(self) -> bool:
        """Whether masking hides the difference: equal texts, or nothing but masks."""
        return self.before == self.after or bool(
            self.before and self.after and not (self.before + self.after).strip(HIDDEN)
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a record and what it changed; the predecessor of the `first` is unknown."""

    stored: StoredRecord
    received_us: int | None
    changes: tuple[Changed, ...]
    current: bool
    first: bool


def lines(t: Translator, items: Sequence[RecordHit]) -> list[RecordRow]:
    """Converts records to table rows."""
    return [
        RecordRow(
            park_uuid=found.park_uuid,
            one=found.stored.renewal,
            flags=flag_names(found.stored.renewal),
            period=period_text(t, found.stored.renewal) or bought_text(t, found.stored.renewal),
            changed_us=found.stored.position,
        )
        for found in items
    ]


def flag_names(renewal: Renewal) -> list[str]:
    """Returns the names of a record's flags."""
    return [name for flag, name in FLAG_NAMES.items() if renewal.flags & flag]


def member_text(staff: StaffRequest, renewal: Renewal, member: str) -> str | Markup:
    """Formats one member; empty if absent."""
    value, t = getattr(renewal, member), staff.translator
    if value is None:
        return ""
    if member in PERSONAL_MEMBERS:
        return staff.plate(value)
    if member == "extra":
        # It may hold anything, even a name or a phone number.
        return str(value) if staff.sees_plates else t("record.hidden")
    match member:
        case "plate_color":
            return t.either(f"colour.{value}", str(value))
        case "vip_type":
            return t.either(f"vip.{value}", str(value))
        case "pay_type":
            return t.either(f"paid.{value}", str(value))
        case "value_e4":
            return value_text(t, renewal)
        case "pay_value_fen":
            return t.money(value)
        case "pay_time_ms":
            return t.time(value * 1000)
        case "renewal_start_time_us" | "renewal_end_time_us":
            return t.time(value)
    return str(value)


def value_text(t: Translator, renewal: Renewal) -> str:
    """Formats what a stored-value, times or days card was sold with; a bare number for other passes."""
    if renewal.value_e4 is None:
        return ""
    number = format_value(renewal.value_e4)
    key = f"value.{renewal.vip_type}"
    return t(key, n=number) if renewal.vip_type in VIP_TYPES and t.has(key) else number


def bought_text(t: Translator, renewal: Renewal) -> str:
    """Formats what a pass without a period was sold with: its value, else the number of units."""
    return value_text(t, renewal) or f"× {t.number(renewal.quantity)}"


def edge_text(t: Translator, instant_us: int | None) -> str:
    """Formats an end of a period as a Beijing day, with the time unless it is the start or end of a day."""
    if instant_us is None:
        return "…"
    of_day_us = (instant_us + BEIJING_OFFSET_US) % DAY_US
    whole = of_day_us == 0 or of_day_us >= DAY_US - 60 * _SECOND_US
    day = t.day(business_day(instant_us))
    return day if whole else f"{day} {t.clock(instant_us)}"


def period_text(t: Translator, renewal: Renewal) -> str:
    """Formats the period of a pass; empty if it has none."""
    start_us, end_us = renewal.renewal_start_time_us, renewal.renewal_end_time_us
    if start_us is None and end_us is None:
        return ""
    return f"{edge_text(t, start_us)} – {edge_text(t, end_us)}"


def versions(staff: StaffRequest, newest_first: Sequence[StoredRecord], *, current: int) -> list[Version]:
    """Returns versions with what each changed, VERSIONS_SHOWN_MAX at most. `current` is the current revision."""
    pairs = [*pairwise(newest_first), *((oldest, None) for oldest in newest_first[-1:])][:VERSIONS_SHOWN_MAX]
    return [
        Version(
            stored=stored,
            received_us=seqno_time_us(stored.seqno),
            changes=() if before is None else _changes(staff, before.renewal, stored.renewal),
            current=stored.revision == current,
            first=before is None,
        )
        for stored, before in pairs
    ]


def _changes(staff: StaffRequest, before: Renewal, after: Renewal) -> tuple[Changed, ...]:
    return tuple(
        Changed(member, member_text(staff, before, member), member_text(staff, after, member))
        for member in MEMBERS
        if getattr(before, member) != getattr(after, member)
    )
