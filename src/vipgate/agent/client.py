"""Push client of a park: signs and sends requests, parses the answers. Several threads may share one client."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec

from vipgate import __version__
from vipgate.agent.config import Signature
from vipgate.agent.responses import (
    ANSWER_BYTES_MAX,
    CONTAINERS_MAX,
    Accepted,
    AccessDenied,
    Answer,
    Rejected,
    RetryLater,
    TooLarge,
    Unconfirmed,
    read_answer,
)
from vipgate.clock import clock_s, clock_us
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import current_language, tr
from vipgate.protocol.authentication import hmac_headers_for, signed_headers
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.envelope import PUSH_PATH, encode_request
from vipgate.protocol.nesting import nesting_fault
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import encode_row
from vipgate.support.os_errors import error_reason

CONNECT_S_MAX: Final = 10.0
# The platform may queue the query for 20 s and run it for 10 min (docs/digest.md).
DIGEST_S_MAX: Final = 630.0
# A list of 10,000 records, or the sums of a thousand months.
DIGESTS_BYTES_MAX: Final = 64 * 1024 * 1024
SHOWN_CHARS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Receipt:
    """Confirms that the platform has stored every row. `seqno` identifies the push there."""

    seqno: str


class _Paid(msgspec.Struct):
    """An answer envelope with a payload."""

    payload: dict[str, Any] | None = None


_paid = msgspec.json.Decoder(_Paid).decode


class PushFailed(VipgateError):
    """The platform has not confirmed the push; it is always safe to send it again."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(getattr(answer, "reason", None))
        self.answer = answer


class PushRefused(PushFailed):
    """The platform rejects the push: it must change before it is sent again. `answer` has the wrong rows, if they are known."""


class Client:
    """Pushes renewals of one park.

        with Client("https://platform.example", park_uuid, secret) as client:
            client.push(renewals)

    `url` is the platform's address; the interface's path is added if missing. `signature="hmac"` is stronger; this project's
    gateway supports it, other platforms may not.
    """

    def __init__(
        self,
        url: str,
        park_uuid: str,
        secret: str,
        *,
        timeout_s: float = 30.0,
        ca_file: Path | None = None,
        signature: Signature = "md5",
        clock_us: Callable[[], int] = clock_us,
    ) -> None:
        self._signature = signature
        self._clock_us = clock_us
        self._intent = uuid4().hex
        self.park_uuid = park_uuid
        self._secret = secret
        self._push_url = push_url(url)
        verify = True if ca_file is None else _trusting(ca_file)
        self._timeout_s = timeout_s
        self._http = httpx.Client(
            verify=verify,
            headers={
                "User-Agent": f"vipgate-agent/{__version__}",
                "Accept": "application/json",
                # A person here reads what the platform finds wrong.
                "Accept-Language": current_language(),
            },
            follow_redirects=False,
        )

    def push(self, renewals: Iterable[Renewal], *, complete: bool = False) -> Receipt:
        """Sends at most 10,000 records in one request. With `complete` the platform first deletes all records of the park.

        Raises PushRefused if the request is wrong, PushFailed if sending it again may help, RuntimeError after `close`.
        """
        rows = list(map(encode_row, islice(renewals, ROWS_MAX + 1)))
        if len(rows) > ROWS_MAX:
            raise PushRefused(
                TooLarge(tr("more than {limit} records in one push; send them in several", limit=ROWS_MAX), "")
            )
        answer = self.send(rows, complete=complete, intent=self._intent)
        if isinstance(answer, Accepted):
            self._intent = uuid4().hex
            return Receipt(answer.seqno)
        if isinstance(answer, Rejected | TooLarge | AccessDenied):
            raise PushRefused(answer)
        raise PushFailed(answer)

    def send(self, rows: Sequence[bytes], *, complete: bool = False, intent: str | None = None) -> Answer:
        """Sends encoded rows and returns the answer, whatever it is.

        `intent` identifies one operation across retries: under HMAC the same rows then get the same request id, by which the
        platform recognises a replace that it has already carried out. Without it each call is a new request.
        """
        body = encode_request(self.park_uuid, rows, complete=complete)
        return self._post(self._push_url, body, webhook_id=None if intent is None else _id_of(intent, body))[0]

    def probe(self) -> tuple[Answer, str | None]:
        """Sends an empty push, which a platform that accepts the signature answers with 400. Returns answer and `Date`."""
        dates: list[str | None] = []
        body = encode_request(self.park_uuid, [])
        answer, _ = self._post(self._push_url, body, heads=lambda head: dates.append(head.get("Date")))
        return answer, dates[0] if dates else None

    def ask(self, members: dict[str, object]) -> dict[str, Any] | Answer:
        """Queries the platform's digest path. Returns the payload, or the answer if there is none."""
        body = msgspec.json.encode({"park_uuid": self.park_uuid, **members})
        answer, content = self._post(f"{self._push_url}/digest", body, DIGESTS_BYTES_MAX, read_s=DIGEST_S_MAX)
        if not isinstance(answer, Accepted):
            return answer
        try:
            payload = None if nesting_fault(content, CONTAINERS_MAX) else _paid(content).payload
        except (msgspec.DecodeError, UnicodeDecodeError):
            payload = None
        return Unconfirmed(tr("the answer has no payload"), answer.seqno) if payload is None else payload

    def _post(
        self,
        url: str,
        body: bytes,
        bytes_max: int = ANSWER_BYTES_MAX,
        heads: Callable[[httpx.Headers], None] = lambda _: None,
        read_s: float | None = None,
        webhook_id: str | None = None,
    ) -> tuple[Answer, bytes]:
        timeout = httpx.Timeout(read_s or self._timeout_s, connect=min(self._timeout_s, CONNECT_S_MAX))
        try:
            headers = self._headers(body, webhook_id)
            with self._http.stream("POST", url, content=body, headers=headers, timeout=timeout) as response:
                heads(response.headers)
                if response.is_redirect:
                    return RetryLater(_redirected(response)), b""
                content = _content(response, bytes_max, read_s or self._timeout_s)
                wait, date = response.headers.get("Retry-After"), response.headers.get("Date")
                date = date or formatdate(usegmt=True)
                return read_answer(response.status_code, wait, content, date), content
        except _AnswerTooLong as error:
            return RetryLater(str(error)), b""
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return RetryLater(
                tr("cannot connect to {url}: {reason}", url=url, reason=error_reason(error)), arrived=False
            ), b""
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            # InvalidURL: a redirect to an invalid address.
            return RetryLater(tr("no answer from {url}: {reason}", url=url, reason=error_reason(error))), b""

    def _headers(self, body: bytes, webhook_id: str | None) -> dict[str, str]:
        """Signs each attempt again: an HMAC signature is valid for minutes only."""
        if self._signature == "md5":
            return signed_headers(body, self._secret)
        return hmac_headers_for(body, self._secret, webhook_id or f"msg_{uuid4().hex}", self._clock_us() // 1_000_000)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _id_of(intent: str, body: bytes) -> str:
    """Derives the request id from the body too: a retry may carry other rows, and one id must not name two bodies."""
    return f"msg_{sha256(intent.encode() + body).hexdigest()[:32]}"


def push_url(url: str) -> str:
    """Returns the push URL for the platform's address, given with or without the path. Raises UsageError."""
    text = url.strip().rstrip("/")
    if not text.startswith(("http://", "https://")):
        raise UsageError(tr('The platform\'s url must begin with http:// or https://, got "{url}".', url=url))
    if not _is_address(text):
        raise UsageError(
            tr('The platform\'s url must be an address such as https://platform.example:8080, got "{url}".', url=url)
        )
    return text if text.endswith(PUSH_PATH) else text + PUSH_PATH


def _is_address(text: str) -> bool:
    """Whether there is only a resolvable host and a path: user info would replace the signature in `Authorization`."""
    try:
        parts = httpx.URL(text)
        parts.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        return False
    return bool(parts.host) and not (parts.userinfo or parts.query or parts.fragment)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise UsageError(
            tr(
                "Cannot read certificates in {ca_file}: {reason}; platform.ca_file must be a PEM file.",
                ca_file=ca_file,
                reason=error_reason(error),
            )
        ) from None


class _AnswerTooLong(VipgateError):
    """The answer exceeds its limit in bytes or time."""


def _content(response: httpx.Response, bytes_max: int, s_max: float) -> bytes:
    """Reads the whole body. Raises _AnswerTooLong: read timeouts bound each chunk, not the total."""
    given_up_s = clock_s() + s_max
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > bytes_max:
            raise _AnswerTooLong(
                tr("HTTP {status} with an answer of over {limit} bytes", status=response.status_code, limit=bytes_max)
            )
        if clock_s() > given_up_s:
            raise _AnswerTooLong(
                tr(
                    "HTTP {status} with an answer that has no end after {limit_s:g} s",
                    status=response.status_code,
                    limit_s=s_max,
                )
            )
    return bytes(content)


def _redirected(response: httpx.Response) -> str:
    place = response.headers.get("Location", tr("nowhere"))[:SHOWN_CHARS_MAX]
    return tr(
        "HTTP {status} leads to {place}: a push is not sent there; fix the platform's url",
        status=response.status_code,
        place=place,
    )
