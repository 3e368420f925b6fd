"""The contract between park and platform: bytes → claim → verified → batch, and the answer. No clock, no disk, no network.

One direction: `split` reads what may be read before the signature is checked, `verify` and `stamped.verify_stamped`
alone make a Verified, and `decode` takes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from vipgate.errors import (
    BadRequest,
    BadSignature,
    Fault,
    Language,
    Refusal,
    TooLarge,
    Words,
    list_faults,
)
from vipgate.protocol.body_text import (
    cut_fault,
    is_cut_in_a_character,
    json_fault,
    wide_fault,
)
from vipgate.protocol.charset import (
    CODECS,
    Charset,
    declared_charset,
    other_charset,
    to_utf8,
)
from vipgate.protocol.nesting import check_bounds
from vipgate.protocol.order_number import distinct_orders
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import (
    reader_for,
    write_row,
)
from vipgate.protocol.signature_hmac import HMAC_WANTED
from vipgate.protocol.signature_md5 import (
    Hash,
    diagnose,
    is_signed,
    sign,
)

PUSH_PATH: Final = "/gate/1.0/parking/internal/vip/recharge"
DIGEST_PATH: Final = f"{PUSH_PATH}/digest"
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
ROWS_MAX: Final = 10_000
PARK_UUID_CHARS_MAX: Final = 64
SUCCESS_CODE: Final = "1001"

_SUCCESS_MESSAGE = Words("操作成功", "success")
NO_SECRET = "no park has this secret"
_COMPLETE_CHARS_MAX = 64
_ZERO_OR_ONE = re.compile(r"[01](\.0+)?").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]").search


class _Top(msgspec.Struct):
    """The members of a request, still in the bytes they came in; anything else at this level is not looked at."""

    park_uuid: msgspec.Raw = msgspec.Raw(b"null")
    complete: msgspec.Raw = msgspec.Raw(b"null")
    row: msgspec.Raw = msgspec.Raw(b"null")


_top = msgspec.json.Decoder(_Top).decode
_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A well-formed request that says which park sent it; nobody has proved that yet.

    `text` is the body in UTF-8, provided that `charset`, which the header declares, is the park's.
    """

    text: bytes
    charset: Charset
    park_uuid: str
    complete: msgspec.Raw
    row: msgspec.Raw


class Keys(msgspec.Struct, frozen=True, gc=False):
    """The secrets under which a park may sign, after a rotation two of them. `hmac_only`: not with MD5.

    `charset` is the one in which the park writes what it signs.
    """

    current: str
    previous: str | None = None
    hmac_only: bool = False
    charset: Charset = "utf-8"

    def __repr__(self) -> str:
        return f"Keys(hmac_only={self.hmac_only})"  # Without the secrets: it may stand in a traceback.


class Verified(msgspec.Struct, frozen=True, gc=False):
    """A claim whose signature is right. Made by `verify` and `verify_stamped` alone; `webhook_id` where HMAC signed it.

    `charset` is the park's own; `text_of` compares it with the declared one.
    """

    claim: Claim
    secret_used: Literal["current", "previous"]
    charset: Charset
    webhook_id: str | None = None


class Batch(msgspec.Struct, frozen=True, gc=False):
    """The records of one request, each `pay_partner` once; `received` counts its rows as they came."""

    renewals: list[Renewal]
    received: int
    complete: bool


def split(body: bytes, content_type: str | None) -> Claim:
    """The park and the raw members of a well-formed `body`.

    Raises BadRequest where the body is not JSON in a known encoding, or names no usable park (wire contract, Request), and
    TooLarge where it has too many members.
    """
    charset = declared_charset(content_type)
    text = _text(body, charset)
    check_bounds(text)
    try:
        top = _top(text)
    except msgspec.ValidationError:
        raise BadRequest(Words("正文应为 JSON 对象", "the body must be a JSON object")) from None
    except msgspec.DecodeError as error:
        raise BadRequest(json_fault(str(error), body)) from None
    return Claim(text, charset, _park_uuid(top.park_uuid), top.complete, top.row)


def _text(body: bytes, charset: Charset) -> bytes:
    """`body` in UTF-8, where what is no text by a known mistake is named by that."""
    if (fault := wide_fault(body)) is not None:
        raise BadRequest(fault)
    try:
        return to_utf8(body, charset)
    except BadRequest:
        if is_cut_in_a_character(body, CODECS[charset]):
            raise BadRequest(cut_fault(body)) from None
        raise


def _park_uuid(raw: msgspec.Raw) -> str:
    source = bytes(raw)
    try:
        park_uuid = _string(source).strip()
    except msgspec.DecodeError:
        park_uuid = ""
    if not 0 < len(park_uuid) <= PARK_UUID_CHARS_MAX or (not park_uuid.isprintable() and _CONTROL(park_uuid)):
        remedy = Words(
            f"应为 1 到 {PARK_UUID_CHARS_MAX} 个字符的字符串",
            f"must be a string of 1 to {PARK_UUID_CHARS_MAX} characters",
        )
        raise BadRequest(list_faults([Fault("park_uuid", remedy, _came(source))]))
    return park_uuid


def _came(source: bytes) -> str | None:
    return None if source == b"null" else source[:256].decode("utf-8", "replace")


def verify(claim: Claim, body_md5: Hash, authorization: str | None, keys: Keys | None) -> Verified:
    """`claim`, proved to come from the holder of one of `keys`.

    `keys` is None for a park that is unknown or disabled: the same work is done and the same answer given.
    Raises BadSignature (wire contract, Signature).
    """
    used = secret_used(body_md5, authorization, keys)
    if used is None or keys is None:
        raise BadSignature(_UNKNOWN_MISTAKE if (authorization or "").strip() else _NO_SIGNATURE)
    return _under_md5(claim, used, keys)


def secret_used(body_md5: Hash, authorization: str | None, keys: Keys | None) -> Literal["current", "previous"] | None:
    """The one of `keys` that the body is signed under with MD5, or None."""
    known = keys or Keys(NO_SECRET)
    given = authorization or ""
    if is_signed(body_md5, given, known.current) and keys is not None:
        return "current"
    # Refusals take the same time with and without a previous secret.
    previous = is_signed(body_md5, given, known.previous or NO_SECRET)
    return "previous" if previous and keys is not None and keys.previous is not None else None


def _under_md5(claim: Claim, used: Literal["current", "previous"], keys: Keys) -> Verified:
    """Only who holds the secret learns that the park signs otherwise."""
    if keys.hmac_only:
        raise BadSignature(HMAC_WANTED, explained=True)
    return Verified(claim, used, keys.charset)


def explain(body: bytes, authorization: str | None, keys: Keys | None) -> BadSignature:
    """The refusal of a wrong signature, with the mistake where it is a known one.

    Takes as long for a park that is unknown, and tells nothing then.
    """
    given = (authorization or "").strip()
    if not given:
        return BadSignature(_NO_SIGNATURE)
    mistake = diagnose(body, given, _secrets_to_try(keys or Keys(NO_SECRET)))
    return BadSignature(_UNKNOWN_MISTAKE if mistake is None or keys is None else mistake)


_NO_SIGNATURE = Words(
    "缺少 Authorization 请求头; 应为 MD5(正文 + &app_secret= + 密钥) 的十六进制",
    "the Authorization header is missing; it is the hex MD5 of body + &app_secret= + secret",
)
_UNKNOWN_MISTAKE = Words(
    "签名不符, 或车场不存在或已停用; 请核对 park_uuid 和密钥, 并对实际发送的字节计算 MD5(正文 + &app_secret= + 密钥)",
    "the signature does not match, or the park is unknown or disabled; check park_uuid and secret, "
    "and sign the very bytes that are sent: MD5 of body + &app_secret= + secret",
)


def _secrets_to_try(keys: Keys) -> list[tuple[str, Words | None]]:
    """As many for every park, so that the time taken does not tell what the park's secrets are like."""
    old = Words("用的是轮换前的旧密钥", "the secret is the one from before the rotation")
    # Where there is none: a text that a stranger cannot know, or its near miss would tell which parks there are.
    nothing = keys.current + NO_SECRET
    secrets = [(keys.current, None), (keys.previous or nothing, old)]
    if keys.current.strip() != keys.current:
        bare = Words("密钥两端的空格也要参与签名", "blanks around the secret count")
        return [*secrets, (keys.current.strip(), bare), (nothing, bare), (nothing, bare)]
    blank = Words("密钥后多了空格或换行", "a blank or a newline follows the secret")
    return secrets + [(keys.current + tail, blank) for tail in (" ", "\n", "\r\n")]


def text_of(verified: Verified) -> bytes:
    """The body of a verified request in UTF-8.

    Raises BadRequest where it was read in another charset than its park's: nobody signs the header that declares one.
    """
    claim = verified.claim
    if claim.charset != verified.charset:
        raise other_charset(claim.charset, verified.charset)
    return claim.text


def decode(verified: Verified) -> Batch:
    """The records of a verified request.

    Raises BadRequest with every fault named, or TooLarge past ROWS_MAX rows (wire contract, A row).
    """
    sent = text_of(verified)
    faults: list[Fault] = []
    complete = _complete(verified.claim.complete, faults)
    array, text = _array(verified.claim.row, sent)
    raws = _raw_rows(array)
    read_row = reader_for(text)
    renewals: list[Renewal] = []
    for index, raw in enumerate(raws):
        renewal = read_row(raw)
        if type(renewal) is Renewal:
            renewals.append(renewal)
        elif isinstance(renewal, list):
            faults += [Fault(f"row[{index}]{fault.place}", fault.remedy, fault.got) for fault in renewal]
    if not faults and len({renewal.pay_partner for renewal in renewals}) < len(renewals):
        renewals = distinct_orders(renewals, faults)
    if faults:
        raise BadRequest(list_faults(faults))
    return Batch(renewals, len(raws), complete)


def _complete(raw: msgspec.Raw, faults: list[Fault]) -> bool:
    source = bytes(raw)
    if source == b"null":
        return False
    try:
        text = _string(source).strip() if source[:1] == b'"' else source.decode("utf-8")
    except msgspec.DecodeError:
        text = "\ufffd"
    if not text:
        return False
    if len(text) <= _COMPLETE_CHARS_MAX and _ZERO_OR_ONE(text):
        return text[0] == "1"
    faults.append(Fault("complete", Words("应为 0 或 1", "must be 0 or 1"), _came(source)))
    return False


def _array(row: msgspec.Raw, sent: bytes) -> tuple[msgspec.Raw | bytes, bytes]:
    """The JSON array of rows, taken out of its string where it came as one, and the text that it is part of."""
    first = bytes(memoryview(row)[:1])
    if first == b'"':
        inner = _string(row).strip(" \t\r\n").encode("utf-8")
        if inner[:1] == b"[":
            check_bounds(inner, "row: ")
            return inner, inner
    if first == b"[":
        return row, sent
    remedy = Words(
        "应为对象数组, 或内含此数组的 JSON 字符串", "must be an array of objects, or a JSON string that holds one"
    )
    raise BadRequest(list_faults([Fault("row", remedy, _came(bytes(row)))]))


def _raw_rows(array: msgspec.Raw | bytes) -> list[msgspec.Raw]:
    """The rows, not yet looked into; 1 to ROWS_MAX."""
    try:
        raws = _rows(array)
    except msgspec.DecodeError as error:
        words = Words(f"row: 不是有效的 JSON 数组: {error}", f"row: not a valid JSON array: {error}")
        raise BadRequest(words) from None
    if not raws:
        raise BadRequest(Words("row: 至少一行, 收到 []", "row: at least one row, got []"))
    if len(raws) > ROWS_MAX:
        raise TooLarge(
            Words(
                f"最多 {ROWS_MAX} 行, 收到 {len(raws)} 行; 请分批发送",
                f"at most {ROWS_MAX} rows, got {len(raws)}; send them in batches",
            )
        )
    return raws


class Payload(msgspec.Struct, frozen=True):
    """What a push did: rows received, and of these inserted, updated and unchanged."""

    received: int
    inserted: int
    updated: int
    unchanged: int


def encode_success(seqno: str, payload: object, language: Language) -> bytes:
    """The answer `1001`; it never bears a hint."""
    return msgspec.json.encode(_Success(SUCCESS_CODE, _SUCCESS_MESSAGE.text(language), seqno, payload))


def encode_refusal(seqno: str, refusal: Refusal, language: Language) -> bytes:
    """The answer to a request that was refused; it always bears a hint."""
    hint = refusal.hint.text(language)
    return msgspec.json.encode(_Refused(refusal.code, refusal.message.text(language), hint, seqno))


class _Success(msgspec.Struct, frozen=True):
    code: str
    message: str
    seqno: str
    payload: object


class _Refused(msgspec.Struct, frozen=True):
    code: str
    message: str
    hint: str
    seqno: str


def encode_request(park_uuid: str, rows: Iterable[bytes], *, complete: bool = False) -> bytes:
    """The body of a push; `rows` as `encode_renewals` or `row.write_row` make them."""
    head = msgspec.json.encode(park_uuid)
    return b'{"park_uuid":' + head + b',"complete":%d,"row":[' % complete + b",".join(rows) + b"]}"


def encode_renewals(park_uuid: str, renewals: Iterable[Renewal], *, complete: bool = False) -> bytes:
    """The body of a push of `renewals`."""
    return encode_request(park_uuid, map(write_row, renewals), complete=complete)


def signed_headers(body: bytes, secret: str) -> dict[str, str]:
    """The headers that go with `body`."""
    return {"Content-Type": "application/json; charset=utf-8", "Authorization": sign(body, secret)}
