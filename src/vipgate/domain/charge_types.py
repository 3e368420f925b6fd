"""Fetches charge types from a park's own gateway (`service.parking.charge_type.list`), on demand and nightly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import md5
from typing import Any, Final

import msgspec

from vipgate.clock import clock_s as real_clock_s
from vipgate.errors import UsageError
from vipgate.i18n import LocalizedText
from vipgate.protocol.nesting import nesting_fault
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.queries import ChargeType
from vipgate.support.safe_http import (
    TOTAL_S_MAX,
    FetchError,
    FetchResponse,
    Resolve,
    checked_addresses,
    parse_url,
    post,
    resolve_host,
)
from vipgate.support.vault import Vault

SERVICE: Final = "service.parking.charge_type.list"
ITEMS_MAX: Final = 2_000
ID_CHARS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 200
TIME_CHARS_MAX: Final = 32
VIP_TYPE_MAX: Final = 7
PRICE_FEN_MAX: Final = 10**12
EXTRA_DAYS_MAX: Final = 36_500

# The nightly run: first the parks that last night's run missed, then those not fetched in the last half day; in parallel,
# with a time limit.
NIGHT_STALE_US: Final = (36 * 3_600_000_000, 12 * 3_600_000_000)
NIGHT_PARKS_A_PAGE: Final = 64
NIGHT_AT_ONCE: Final = 8
NIGHT_S_MAX: Final = 3 * 3600.0

_DONE: Final = "1001"
_CODES: Final = {
    "1400": LocalizedText("网关称请求参数错误", "the gateway rejects the request as wrong"),
    "1401": LocalizedText(
        "网关称签名错误; 请核对该车场在网关中的密钥与平台密钥一致",
        "the gateway rejects the signature; set the platform's secret for this park in the gateway",
    ),
    "1500": LocalizedText("网关内部异常; 请联系车场", "internal error of the gateway; ask the park"),
    "1503": LocalizedText("网关暂不可用; 请稍后再试", "the gateway is not available now; try again later"),
}
_NOT_DONE: Final = LocalizedText(
    "网关未能回答; 请车场查看其网关的日志", "the gateway could not answer; ask the park to check its gateway's log"
)
_GBK_NAMES: Final = ("gbk", "gb2312", "gb18030", "cp936")


class ChargeTypesError(FetchError):
    """The gateway address, the request or the answer is not usable."""


@dataclass(frozen=True, slots=True)
class ChargeTypeQuery:
    """Address and secret for a query to one park's gateway."""

    park_uuid: str
    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a query: charge types, or the error. Arguments of `AdminStore.save_charge_types`."""

    items: list[ChargeType] | None
    trouble: LocalizedText | None


Ask = Callable[[ChargeTypeQuery], Result]


@dataclass(frozen=True, slots=True)
class RefreshSummary:
    """How many parks answered, and how many failed."""

    answered: int
    troubled: int


def check_address(address: str) -> str:
    """Validates and trims a gateway address. Raises ChargeTypesError."""
    try:
        parse_url(address)
    except FetchError as trouble:
        raise ChargeTypesError(trouble.words) from None
    return address.strip()


def fetch_charge_types(
    address: str,
    park_uuid: str,
    secret: str,
    *,
    allow_private: bool,
    resolve: Resolve = resolve_host,
    clock_s: Callable[[], float] = real_clock_s,
    total_s: float = TOTAL_S_MAX,
) -> list[ChargeType]:
    """Fetches a park's charge types from its gateway at `address`. Blocks: call it in a thread. Raises ChargeTypesError."""
    try:
        target = parse_url(address)
        addresses = checked_addresses(target, allow_private=allow_private, resolve=resolve)
        answered = post(target, addresses, encode_question(park_uuid, secret), clock_s, total_s=total_s)
    except FetchError as trouble:
        raise ChargeTypesError(trouble.words) from None
    return read_answer(answered)


def encode_question(park_uuid: str, secret: str) -> bytes:
    """The signed request body."""
    members = {"service": SERVICE, "version": "1.0", "charset": "UTF-8", "park_uuid": park_uuid}
    return msgspec.json.encode(members | {"sign": sign_members(members, secret)})


def sign_members(members: dict[str, str], secret: str) -> str:
    """MD5 signature in upper-case hex, over the members sorted by name as `k=v&…` plus `&key=`."""
    text = "&".join(f"{name}={members[name]}" for name in sorted(members)) + f"&key={secret}"
    return md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def read_answer(answered: FetchResponse) -> list[ChargeType]:
    """Parses the charge types of an answer; for a repeated id the last one counts. Raises ChargeTypesError."""
    envelope = _decoded(_text(answered))
    about = answered.about
    if not isinstance(envelope, dict) or "result_code" not in envelope:
        raise _refused(
            f"回答中没有 result_code ({about.zh}); 请检查地址是否为停车场网关",
            f"an answer without result_code ({about.en}); is this the park's gateway?",
        )
    code = _as_text(envelope["result_code"])
    if code != _DONE or not 200 <= answered.status < 300:
        words = _CODES.get(code or "", _NOT_DONE)
        raise _refused(f"{words.zh} ({about.zh})", f"{words.en} ({about.en})")
    by_id: dict[str, ChargeType] = {}
    for index, row in enumerate(_rows(envelope.get("row"))):
        charge_type = _charge_type(index, row)
        by_id.pop(charge_type.id, None)
        by_id[charge_type.id] = charge_type
    return list(by_id.values())


def _refused(zh: str, en: str) -> ChargeTypesError:
    return ChargeTypesError(LocalizedText(zh, en))


def _text(answered: FetchResponse) -> bytes:
    """The body as UTF-8 without a byte order mark; decoded from GBK if the header says so, as Windows gateways do."""
    charset = answered.content_type.lower().partition("charset=")[2].strip(" \"'").partition(";")[0]
    if charset in _GBK_NAMES:
        return answered.body.decode("gb18030", "replace").encode()
    return answered.body.removeprefix(b"\xef\xbb\xbf")


def _decoded(text: bytes) -> Any:
    """Decodes JSON; None if malformed. Raises ChargeTypesError if nested too deeply."""
    too_deep = nesting_fault(text)
    if too_deep is not None:
        raise _refused(f"回答中: {too_deep.zh}; 请联系车场", f"in the answer: {too_deep.en}; ask the park")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _rows(row: Any) -> list[Any]:
    """The array in `row`, which may be a JSON string of one. Raises ChargeTypesError."""
    rows = _decoded(row.encode()) if isinstance(row, str) else row
    if not isinstance(rows, list):
        raise _refused(
            "row: 应为数组或内含数组的 JSON 字符串; 请联系车场",
            "row: must be an array, or a JSON string that holds one; ask the park",
        )
    if len(rows) > ITEMS_MAX:
        raise _refused(
            f"row: 最多 {ITEMS_MAX} 项; 请联系车场",
            f"row: at most {ITEMS_MAX} items; ask the park",
        )
    return rows


def _charge_type(index: int, row: Any) -> ChargeType:
    """Parses one row. Only its id must be valid; other invalid members are left out. Raises ChargeTypesError."""
    if not isinstance(row, dict):
        raise _refused(f"row[{index}]: 应为对象; 请联系车场", f"row[{index}]: must be an object; ask the park")
    key = _as_text(row.get("id"))
    if not key or len(key) > ID_CHARS_MAX:
        raise _refused(
            f"row[{index}].id: 应为 1 到 {ID_CHARS_MAX} 个字符; 请联系车场",
            f"row[{index}].id: must have 1 to {ID_CHARS_MAX} characters; ask the park",
        )
    return ChargeType(
        id=key,
        name=(_as_text(row.get("name")) or "")[:TEXT_CHARS_MAX],
        desc=(_as_text(row.get("desc")) or "")[:TEXT_CHARS_MAX],
        vip_type=_as_int(row.get("vip_type"), VIP_TYPE_MAX),
        price_fen=_as_int(row.get("price"), PRICE_FEN_MAX),
        extra_days=_as_int(row.get("extra_days"), EXTRA_DAYS_MAX),
        create_time=(_as_text(row.get("create_time")) or "")[:TIME_CHARS_MAX],
        update_time=(_as_text(row.get("update_time")) or "")[:TIME_CHARS_MAX],
    )


def _as_text(value: Any) -> str | None:
    """A string or integer as one line of printable text; None for other types."""
    if isinstance(value, str):
        return "".join(letter for letter in " ".join(value.split()) if letter.isprintable())
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _as_int(value: Any, highest: int) -> int | None:
    """A whole number from 0 to `highest`, also as float or string; else None."""
    if isinstance(value, str) and value.isascii() and len(value) <= TIME_CHARS_MAX:
        whole, _, fraction = value.strip().partition(".")
        value = int(whole) if whole.isdigit() and not fraction.strip("0") else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest else None


def query_for(database: Database, vault: Vault, park_uuid: str) -> ChargeTypeQuery | LocalizedText:
    """The query for a park, or the reason why it cannot be sent."""
    access, more = database.store.park_access(park_uuid), database.queries.park_details(park_uuid)
    if access is None or more is None or not more.charge_address:
        return LocalizedText("该车场没有网关地址; 请先填写", "this park has no gateway address; set one first")
    if not access.enabled:
        return LocalizedText("该车场已停用, 不再询问", "this park is disabled and is not asked")
    try:
        return ChargeTypeQuery(park_uuid, more.charge_address, vault.open(access.secret, park_uuid))
    except UsageError as error:
        return LocalizedText(f"无法打开该车场的密钥: {error}", str(error))


def refresh_park(
    order: ChargeTypeQuery,
    *,
    allow_private: bool,
    resolve: Resolve = resolve_host,
    clock_s: Callable[[], float] = real_clock_s,
) -> Result:
    """Queries one park. Blocks up to TOTAL_S_MAX and uses no database."""
    try:
        items = fetch_charge_types(
            order.url,
            order.park_uuid,
            order.secret,
            allow_private=allow_private,
            resolve=resolve,
            clock_s=clock_s,
        )
    except ChargeTypesError as refused:
        return Result(None, refused.words)
    return Result(items, None)


def refresh_all(
    database: Database,
    vault: Vault,
    clock_us: Callable[[], int],
    *,
    ask: Ask,
    stopping: Callable[[], bool] = lambda: False,
) -> RefreshSummary:
    """Queries every park with an address and stale charge types, NIGHT_AT_ONCE in parallel, for at most NIGHT_S_MAX.

    Blocks: needs its own thread and `Database`. Raises StoreError.
    """
    begun_us = clock_us()
    seen: set[str] = set()
    answered = troubled = 0

    def in_time() -> bool:
        return not stopping() and clock_us() - begun_us < NIGHT_S_MAX * 1_000_000

    with ThreadPoolExecutor(NIGHT_AT_ONCE, "vipgate-charge") as threads:
        for stale_us in NIGHT_STALE_US:
            while in_time() and (parks := _stale_parks(database, begun_us - stale_us, seen)):
                for park_uuid, result in _asked(database, vault, parks, threads, ask, in_time):
                    database.admin.save_charge_types(park_uuid, result.items, result.trouble, clock_us())
                    answered, troubled = answered + (result.trouble is None), troubled + (result.trouble is not None)
    return RefreshSummary(answered, troubled)


def _stale_parks(database: Database, before_us: int, seen: set[str]) -> list[str]:
    """The next parks to query; each once per run, even if it fails."""
    parks = [
        park for park in database.queries.parks_for_charge_types(before_us, NIGHT_PARKS_A_PAGE) if park not in seen
    ]
    seen.update(parks)
    return parks


def _asked(
    database: Database,
    vault: Vault,
    parks: list[str],
    threads: ThreadPoolExecutor,
    ask: Ask,
    in_time: Callable[[], bool],
) -> Iterator[tuple[str, Result]]:
    """Yields the result of each park, in order; parks not yet queried at the time limit are left out."""

    def ask_in_time(order: ChargeTypeQuery) -> Result | None:
        # Checked in the thread: the caller could stop only after all submitted queries were sent.
        return ask(order) if in_time() else None

    pending: list[tuple[str, Future[Result | None] | Result]] = []
    for park_uuid in parks:
        order = query_for(database, vault, park_uuid)
        pending.append(
            (park_uuid, Result(None, order) if isinstance(order, LocalizedText) else threads.submit(ask_in_time, order))
        )
    try:
        for park_uuid, outcome in pending:
            result = outcome if isinstance(outcome, Result) else outcome.result()
            if result is not None:
                yield park_uuid, result
    finally:
        for _, outcome in pending:
            if isinstance(outcome, Future):
                outcome.cancel()
