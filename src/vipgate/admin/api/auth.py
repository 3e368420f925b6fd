"""Authenticates API tokens; enforces their scopes, their park, and masking."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from vipgate.admin.api.errors import NO_TOKEN, NOT_ALLOWED, NOT_FOUND, ApiError, invalid_param
from vipgate.admin.auth.plate_search_limit import MaskedSearches, Searcher
from vipgate.domain.masking import mask_plate
from vipgate.errors import StoreError
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import Scope, Token
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park

_TOKEN = re.compile(r"bearer +(vipgate_[A-Za-z0-9_-]{43})", re.ASCII | re.IGNORECASE).fullmatch
_REALM: Final = 'Bearer realm="vipgate"'
_UNMASKED: Final = LocalizedText(
    "请运维发放可见完整车牌的令牌或调高 masked_searches_per_hour",
    "ask the operator for a token that sees plates, or to raise masked_searches_per_hour",
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuthorizedRequest:
    """A request with a valid token, and the database connection that serves it."""

    database: Database
    token: Token
    now_us: int
    searches: MaskedSearches
    peer: str

    @property
    def masked(self) -> bool:
        """Whether plates and cards are masked."""
        return self.token.masked

    @property
    def who(self) -> str:
        """The token's name in the logs."""
        return f"token:{self.token.name}"

    def search(self, text: str, work: Callable[[], T], hits: Callable[[T], object] = bool) -> T:
        """Runs a search by plate or card, rate limited for a masked token. Raises RateLimited."""
        if not self.masked:
            return work()
        return self.searches.run(Searcher(self.database, self.who, self.peer, self.now_us, _UNMASKED), text, work, hits)

    def shown(self, plate_or_card: str) -> str:
        """Returns a plate or card as this token may see it."""
        return mask_plate(plate_or_card) if self.masked else plate_or_card

    def park(self, park_uuid: str) -> Park:
        """Returns a park that the token may see. Raises the same ApiError for a hidden park as for a missing one."""
        found = self.database.store.find_park(park_uuid) if self.sees(park_uuid) else None
        if found is None:
            raise ApiError(
                NOT_FOUND, LocalizedText(f"没有车场 {park_uuid}", f"there is no park {park_uuid}"), place="park_uuid"
            )
        return found

    def sees(self, park_uuid: str | None) -> bool:
        """Whether the token may see this park; None stands for what belongs to no park."""
        return self.token.park_uuid is None or self.token.park_uuid == park_uuid

    def park_or_own(self, park_uuid: str | None) -> str | None:
        """Returns the park named, else the token's own, else None for all parks. Raises ApiError."""
        chosen = self.token.park_uuid if park_uuid is None else park_uuid
        return None if chosen is None else self.park(chosen).park_uuid

    def one_park(self, park_uuid: str | None) -> Park:
        """Like `park_or_own`, but requires a park."""
        chosen = self.token.park_uuid if park_uuid is None else park_uuid
        if chosen is None:
            words = LocalizedText("必填: 令牌可见多个车场", "required: the token is for all parks")
            raise invalid_param("park_uuid", words, None)
        return self.park(chosen)


class TokenAuthenticator:
    """Finds tokens by their hash; the tokens themselves are not stored."""

    def __init__(self, clock_us: Callable[[], int], searches: MaskedSearches) -> None:
        self._clock_us = clock_us
        self._searches = searches

    def enter(self, db: Database, authorization: str | None, scope: Scope, peer: str) -> AuthorizedRequest:
        """Authorizes a request for `scope`. Raises ApiError (401, 403)."""
        given = None if authorization is None else _TOKEN(authorization.strip())
        token = None if given is None else db.accounts.find_token(sha256(given[1].encode()).hexdigest())
        if token is None:
            challenge = _REALM if authorization is None else f'{_REALM}, error="invalid_token"'
            words = LocalizedText(
                "需要有效的令牌: Authorization: Bearer vipgate_…; 由运维以 vipgate token add 发放",
                "a valid token is required: Authorization: Bearer vipgate_…; the operator creates one with vipgate token add",
            )
            raise ApiError(NO_TOKEN, words, place="Authorization", headers={"WWW-Authenticate": challenge})
        if scope not in token.scopes:
            challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
            words = LocalizedText(f"令牌没有 {scope} 权限", f"the token lacks the scope {scope}")
            raise ApiError(NOT_ALLOWED, words, place="Authorization", headers={"WWW-Authenticate": challenge})
        now_us = self._clock_us()
        _record_use(db, token, now_us)
        return AuthorizedRequest(db, token, now_us, self._searches, peer)


def _record_use(db: Database, token: Token, now_us: int) -> None:
    """Records the use of the token; the store writes it once a minute at most."""
    try:
        db.accounts.use_token(token.number, now_us)
    except StoreError:
        # A full disk must not block reads.
        return
