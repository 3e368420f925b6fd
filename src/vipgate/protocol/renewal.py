"""The renewal record of the ledger, with exact parsing and formatting of its values. Pure.

All values are integers or text, so they compare and add exactly: money in fen, decimals in ten-thousandths, instants in
milliseconds or microseconds since 1970 UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from unicodedata import normalize

import msgspec

PLATE_CHARS_MAX: Final = 16
PLATE_RAW_CHARS_MAX: Final = 256  # before normalisation
TEXT_CHARS_MAX: Final = 64
INSTANT_CHARS_MAX: Final = 40
QUANTITY_MAX: Final = 10**9
PAY_VALUE_FEN_MAX: Final = 10**12
VALUE_SCALE: Final = 10**4
VALUE_E4_MAX: Final = 10**16 - 1
PAY_TIME_MS_MIN: Final = 946_684_800_000  # 2000-01-01T00:00:00Z
PAY_TIME_MS_MAX: Final = 4_133_980_799_999  # 2100-12-31T23:59:59.999Z

FLAG_UNUSUAL_PLATE: Final = 1
FLAG_PLATE_CHANGED: Final = 2
FLAG_MONEY_CHANGED: Final = 4
FLAG_NO_ORDER: Final = 8
FLAG_DECIMAL_MONEY: Final = 16
FLAG_NAMES: Final = {
    FLAG_UNUSUAL_PLATE: "unusual_plate",
    FLAG_PLATE_CHANGED: "plate_changed",
    FLAG_MONEY_CHANGED: "money_changed",
    FLAG_NO_ORDER: "no_order",
    FLAG_DECIMAL_MONEY: "decimal_money",
}

# What is no part of a plate, as the inside of a regular expression's brackets: blanks, the dots between its parts (U+00B7, U+2022,
# U+002E, U+2027, U+30FB), and invisible format characters, Unicode's category Cf: zero width, marks of direction, byte order marks.
PLATE_GAPS: Final = (
    r"\s·•.‧・"
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    r"\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)

_FOLDS_MAX = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_drop_gaps = re.compile(f"[{PLATE_GAPS}]+").sub
_USUAL_PLATE = re.compile(r"[\u4e00-\u9fff][A-Z][A-Z0-9]{4,5}[A-Z0-9\u4e00-\u9fff]").fullmatch
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)([T ])((?:[01]\d|2[0-3]):\d\d)(:\d\d)?(?:[.,](\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
).fullmatch
_BEIJING = timedelta(hours=8)


# Members that are removed with the plate when a record is erased.
PERSONAL: Final = ("card_no", "card_id", "operator", "extra")


class Renewal(msgspec.Struct, frozen=True, gc=False):
    """One record of a park, normalised (wire contract, "A row"). Absent members are None.

    `value_e4` is the face value times 10,000; `extra` is a JSON object of the members that the contract does not list;
    `flags` is a sum of FLAG_*. Fields and their order are those of the columns in the stores.
    """

    pay_partner: str
    plate: str
    plate_color: int
    card_no: str | None
    card_id: str | None
    charge_type: str
    vip_type: int
    quantity: int
    pay_type: int
    value_e4: int | None
    pay_time_ms: int | None
    renewal_start_time_us: int | None
    renewal_end_time_us: int | None
    pay_value_fen: int | None
    operator: str | None
    extra: str | None = None
    flags: int = 0


# The members that the interface lists, by their names on the wire, which have no units; and those that hold personal data.
MEMBERS: Final = tuple(re.sub("_(e4|ms|us|fen)$", "", name) for name in Renewal.__struct_fields__[:-2])
PERSONAL_MEMBERS: Final = frozenset({"plate", *PERSONAL}).intersection(MEMBERS)


def anonymized(renewal: Renewal) -> Renewal:
    """Removes personal data from a record. Parks cannot send such a record: a plate is required."""
    return msgspec.structs.replace(renewal, plate="", **dict.fromkeys(PERSONAL))


def normalize_plate(text: str) -> str:
    """Normalises a plate: full-width to half-width, upper case, no blanks, dots or invisible format characters.

    Repeats until nothing changes: for a few letters of other scripts one step makes input for another.
    """
    plate = text
    for _ in range(_FOLDS_MAX):
        folded = _drop_gaps("", normalize("NFKC", plate).upper())
        if folded == plate:
            break
        plate = folded
    return plate


def plate_flags(plate: str) -> int:
    """Returns FLAG_UNUSUAL_PLATE where a normalised plate has no common mainland form, else 0."""
    return 0 if _USUAL_PLATE(plate) else FLAG_UNUSUAL_PLATE


class NaiveTimestamp(msgspec.Struct, frozen=True):
    """A time without a zone, with its UTC form under the assumption of Beijing time."""

    utc_if_beijing: str


def parse_instant(text: str) -> int | NaiveTimestamp | None:
    """Parses an ISO 8601 instant with `Z` or an offset into microseconds since 1970 UTC; None where it is not one.

    Digits beyond microseconds are dropped.
    """
    return _parse_instant(text) if len(text) <= INSTANT_CHARS_MAX else None


@lru_cache(maxsize=65_536)
def _parse_instant(text: str) -> int | NaiveTimestamp | None:
    """Cached, because the records of a park share few period boundaries."""
    found = _INSTANT(text)
    if found is None:
        return None
    day, mark, minute, second, fraction, zone = found.groups()
    # A blank for T is not ISO 8601, but common in times without a zone, which get their own hint.
    if (fraction is not None and second is None) or (mark == " " and zone is not None):
        return None
    try:
        naive = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}")
        naive += timedelta(microseconds=int(((fraction or "") + "000000")[:6]))
        if zone is None:
            return NaiveTimestamp(format_instant(_microseconds(naive - _BEIJING)))
        instant = naive - _offset(zone)
    except (ValueError, OverflowError):
        return None
    return _microseconds(instant)


def _offset(zone: str) -> timedelta:
    if zone in "Zz":
        return timedelta()
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def _microseconds(naive_utc: datetime) -> int:
    return (naive_utc.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def format_instant(instant_us: int) -> str:
    """Formats microseconds as ISO 8601 UTC with `Z`. Raises OverflowError beyond the years 1 to 9999."""
    seconds, rest_us = divmod(instant_us, 1_000_000)
    day, second = divmod(seconds, 86_400)
    fraction = f".{rest_us:06}".rstrip("0") if rest_us else ""
    return f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{fraction}Z"


@lru_cache(maxsize=65_536)
def _date(day: int) -> str:
    """Cached: a ledger has few distinct days, and a page of records thousands of instants."""
    return (_FIRST_DAY + timedelta(days=day)).isoformat()


def format_value(value_e4: int) -> str:
    """Formats a face value as the shortest exact decimal: 300000 → "30", 305000 → "30.5"."""
    whole, rest = divmod(abs(value_e4), VALUE_SCALE)
    text = f"{whole}.{rest:04}".rstrip("0").rstrip(".")
    return "-" + text if value_e4 < 0 else text
