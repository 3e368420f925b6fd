"""One request of the push pipeline, and what is known of it on the way."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from vipgate.gateway.park_access import ParkPolicy
from vipgate.i18n import Language
from vipgate.protocol.signature_hmac import WebhookSignature
from vipgate.store.interfaces.ledger import RequestOrigin
from vipgate.support.hashes import Hash


class PushRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One complete request, independent of HTTP."""

    body: bytes
    body_md5: Hash
    body_sha256: str
    content_type: str | None
    authorization: str | None
    peer: str
    received_us: int
    language: Language
    webhook_signature: WebhookSignature | None = None

    @property
    def origin(self) -> RequestOrigin:
        """What the request log stores of the request."""
        return RequestOrigin(
            received_us=self.received_us, peer=self.peer, body_bytes=len(self.body), body_sha256=self.body_sha256
        )


@dataclass(slots=True)
class RequestContext:
    """What is known of one request so far: the claimed park, its policy, the authenticated park, the number of rows received."""

    claimed: str | None = None
    policy: ParkPolicy | None = None
    park_uuid: str | None = None
    received: int = 0
