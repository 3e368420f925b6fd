"""What the console is shown over: parks in every state, thirty days of pushes, refusals with their bodies, staff.

The past is made by committing through the store with a clock of the past; what is to be refused is really pushed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from support.gateway_process import SECRET, Gateway
from vipgate.admin.auth.passwords import hash_password
from vipgate.cli.sample import sample_renewals
from vipgate.i18n import LocalizedText
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.accounts import AuditEntry, Language, Role, User
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import (
    BEIJING_OFFSET_US,
    DAY_US,
    ParkChange,
    Push,
    RejectedRequest,
    RequestOrigin,
    Retention,
    SecretUsed,
    business_day,
)
from vipgate.store.open_database import open_database
from vipgate.support.vault import Vault, load_vault

HOUR_US: Final = 3_600_000_000
DAYS: Final = 30
PEER: Final = "203.0.113.9"
PASSWORD: Final = "correct horse battery"
# Hashed once: an account that is made need not wait for it.
HASHED: Final = hash_password(PASSWORD)

# Parks by what they are there for: their park_uuid and what people call them.
BUSY: Final = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
SILENT: Final = "0b5c1d9e-7a34-4f0e-9a55-1f2f9a7d3c02"
REFUSING: Final = "7e2d4c11-90ab-4d7f-8c36-5a0d1b2c3e03"
OLD_SECRET: Final = "c3a9f0d2-1b84-4e6a-b7d5-6e8f7a9b0c04"
STOCKS: Final = "5d8e6f7a-2c93-4b1d-a0e8-9b7c6d5e4f05"
NEVER: Final = "e1f2a3b4-c5d6-4789-90ab-cdef01234506"
DISABLED: Final = "a7b8c9d0-e1f2-4345-8678-9abcdef01207"
GUARDED: Final = "b4d1e2f3-a5c6-4788-9a0b-cdef01234508"
NAMES: Final = {
    BUSY: "海岸城购物中心北门停车场",
    SILENT: "体育中心地下停车场",
    REFUSING: "万象天地 P2",
    OLD_SECRET: "车公庙地铁站接驳停车场",
    STOCKS: "科技园南区停车楼",
    NEVER: "会展中心新馆停车场（三期，尚未接入）",
    DISABLED: "罗湖口岸临时停车场",
    GUARDED: "前海湾地铁上盖停车场",
}
SMALL_PARKS: Final = 60
# A record that was pushed three times, with another price and then another plate.
CHANGED: Final = "P-CHANGED-0001"
CHANGED_PLATE: Final = "粤B77777"
# A plate with a card, a stored value, and one that ends soon.
SOON_PLATE: Final = "粤B66688"
ROUND_PLATE: Final = "粤B5"


@dataclass(slots=True)
class Clock:
    """A clock that stands where the story of the stock has come to."""

    now_us: int

    def __call__(self) -> int:
        return self.now_us


@dataclass(slots=True)
class Story:
    """The desk on a database that nobody serves yet, and the day that is being told."""

    database: Database
    vault: Vault
    clock: Clock
    seqno_generator: SeqnoGenerator = field(default_factory=lambda: SeqnoGenerator(7))

    def push(
        self, park: str, rows: Sequence[Renewal], at_us: int, *, used: SecretUsed = "current", complete: bool = False
    ) -> Push:
        """A push as the pipeline hands it to the store."""
        return Push(
            self.seqno_generator.generate(at_us), park, list(rows), len(rows), complete, used, self._caller(at_us)
        )

    def refused(self, park: str | None, code: str, at_us: int, claimed: str | None = None) -> RejectedRequest:
        """A refusal without a body."""
        hint = LocalizedText("签名不正确：密钥或正文不同", "the signature is wrong: another secret or another body")
        return RejectedRequest(self.seqno_generator.generate(at_us), park, claimed, code, hint, self._caller(at_us))

    def commit(self, at_us: int, *requests: Push | RejectedRequest) -> None:
        """Stores what came until `at_us`."""
        self.clock.now_us = at_us
        outcomes = self.database.store.commit(requests)
        assert not any(isinstance(one, Exception) for one in outcomes), outcomes

    def _caller(self, at_us: int) -> RequestOrigin:
        return RequestOrigin(received_us=at_us, peer=PEER, body_bytes=2_321, body_sha256="ab" * 32)


def tell(home: Path, now_us: int) -> None:
    """Fills the database of a gateway that has not been started yet."""
    clock = Clock(now_us - (DAYS + 5) * DAY_US)
    database = open_database(f"sqlite:///{home / 'vipgate.db'}", clock, Retention())
    story = Story(database, load_key(home), clock)
    for park_uuid, name in {**NAMES, **small_parks()}.items():
        assert database.store.add_park(park_uuid, name, story.vault.seal(SECRET, park_uuid), clock())
    _month(story, now_us)
    _today(story, now_us)
    _stocks(story, now_us)
    database.store.rotate_secret(OLD_SECRET, story.vault.seal("the-new-secret", OLD_SECRET), now_us - 20 * DAY_US)
    story.commit(
        now_us - HOUR_US,
        story.push(OLD_SECRET, _sold(4, now_us, seed=91, first=9_000), now_us - HOUR_US, used="previous"),
    )
    _settings(database)
    database.close()


def load_key(home: Path) -> Vault:
    """The vault of a home, its key made where there is none."""
    return load_vault(None, home / "master.key")


def small_parks() -> dict[str, str]:
    """Parks that make the list of parks go on."""
    return {f"small-{number:03}": f"社区停车点 {number:03}" for number in range(SMALL_PARKS)}


def _sold(count: int, until_us: int, *, seed: int, first: int) -> list[Renewal]:
    """Renewals that were bought in the day before `until_us`."""
    rows = sample_renewals(count, seed, until_us=until_us, first=first)
    return [_moved(row, until_us - (count - place) * (18 * HOUR_US // count)) for place, row in enumerate(rows)]


def _moved(row: Renewal, paid_us: int) -> Renewal:
    """The same renewal, bought at another time."""
    later_us = paid_us - (row.pay_time_ms or 0) * 1000
    days_us = later_us // DAY_US * DAY_US
    start_us, end_us = row.renewal_start_time_us, row.renewal_end_time_us
    return msgspec.structs.replace(
        row,
        pay_time_ms=paid_us // 1000,
        renewal_start_time_us=None if start_us is None else start_us + days_us,
        renewal_end_time_us=None if end_us is None else end_us + days_us,
    )


def _month(story: Story, now_us: int) -> None:
    """Thirty days: each park that pushes does so some times a day, and some of it is refused."""
    for ago in range(DAYS, 0, -1):
        at_us = now_us - ago * DAY_US
        told: list[Push | RejectedRequest] = []
        for number, park in enumerate((BUSY, REFUSING, OLD_SECRET, SILENT)):
            if park == SILENT and ago < 4:
                continue
            count = 6 + (ago * 7 + number * 5) % 11
            rows = _sold(count, at_us, seed=ago * 10 + number, first=ago * 100)
            told += [story.push(park, rows[: count // 2], at_us), story.push(park, rows[count // 2 :], at_us + 1000)]
        if ago % 4 == 1:
            told.append(story.refused(REFUSING, "400", at_us))
            told.append(story.refused(None, "401", at_us, claimed="unknown-park"))
        if ago % 9 == 2:
            told.append(story.refused(BUSY, "429", at_us))
        story.commit(at_us, *told)


def _today(story: Story, now_us: int) -> None:
    """A busy morning at one park: records with a history, flags, cards, one that ends in some days."""
    at_us = now_us - 3 * HOUR_US
    base = _sold(30, at_us, seed=77, first=50_000)
    changed = msgspec.structs.replace(
        base[0], pay_partner=CHANGED, plate=CHANGED_PLATE, pay_value_fen=30_000, charge_type="MON_A", vip_type=1
    )
    soon = msgspec.structs.replace(
        base[1],
        plate=SOON_PLATE,
        card_no="ID066688",
        card_id="ID066688",
        vip_type=1,
        renewal_start_time_us=_midnight(now_us) - 27 * DAY_US,
        renewal_end_time_us=_midnight(now_us) + 5 * DAY_US - 1_000_000,
    )
    odd = [
        msgspec.structs.replace(row, plate=plate, flags=1)
        for row, plate in zip(base[2:7], ("临A1234", "WJ粤0001", "TEST", "粤港Z1234", "<B>12345"), strict=True)
    ]
    story.commit(at_us, story.push(BUSY, [changed, soon, *odd, *base[7:]], at_us))
    dearer = msgspec.structs.replace(changed, pay_value_fen=32_000)
    story.commit(at_us + HOUR_US, story.push(BUSY, [dearer], at_us + HOUR_US))
    other = msgspec.structs.replace(dearer, plate="粤B88888", operator="李四")
    story.commit(at_us + 2 * HOUR_US, story.push(BUSY, [other], at_us + 2 * HOUR_US))


def _midnight(now_us: int) -> int:
    """When the Beijing day began."""
    return business_day(now_us) * DAY_US - BEIJING_OFFSET_US


def _stocks(story: Story, now_us: int) -> None:
    """A park that replaced its whole stock two times."""
    for ago, count in ((12, 40), (6, 35), (1, 3)):
        at_us = now_us - ago * DAY_US
        rows = _sold(count, at_us, seed=ago, first=ago * 1_000)
        story.commit(at_us, story.push(STOCKS, rows, at_us, complete=ago != 12))


def _settings(database: Database) -> None:
    database.store.change_park(DISABLED, ParkChange(enabled=False))
    database.store.change_park(REFUSING, ParkChange(allow_list=("127.0.0.1", "203.0.113.0/24"), rate_per_minute=600))


def wrong_body(number: int) -> bytes:
    """A push of five rows, two of which break rules."""
    rows: list[dict[str, Any]] = []
    for renewal in sample_renewals(5, number, until_us=1_795_492_800_000_000, first=number * 10_000):
        whole = json.loads(encode_renewals(REFUSING, [renewal]))
        rows += whole["row"]
    rows[1]["quantity"] = "1.5"
    rows[3]["pay_time"] = "昨天"
    return json.dumps({"park_uuid": REFUSING, "row": rows}, ensure_ascii=False).encode()


def push_what_is_refused(gateway: Gateway) -> dict[Language, list[str]]:
    """Pushes that are refused: wrong rows with their bodies kept, a wrong signature, a stranger. Seqnos for each language."""
    seqnos: dict[Language, list[str]] = {"zh": [], "en": []}
    for number, language in enumerate(("zh", "en", "zh", "en"), 1):
        answer = gateway.push(wrong_body(number))
        assert answer.code == "400", answer
        seqnos["en" if language == "en" else "zh"].append(str(answer.envelope["seqno"]))
    assert gateway.push(wrong_body(5), "not the secret").code == "401"
    assert gateway.push(wrong_body(6).replace(REFUSING.encode(), b"nobody-knows-me")).code == "401"
    return seqnos


def push_replaces_again(gateway: Gateway, database: Database, now_us: int) -> dict[str, str]:
    """Stocks that a guarded park replaced, and then sent once more: what is held for each language, and what stays held."""
    database.store.change_park(GUARDED, ParkChange(hold_replaces=True))
    sizes = {"zh": 30, "en": 24, "stays": 18}
    stocks = {
        name: encode_renewals(GUARDED, _sold(size, now_us, seed=60, first=size * 100), complete=True)
        for name, size in sizes.items()
    }
    later = encode_renewals(GUARDED, _sold(12, now_us, seed=61, first=9_000))
    assert {gateway.push(body).code for body in (*stocks.values(), later)} == {"1001"}
    answers = {name: gateway.push(body) for name, body in stocks.items()}
    assert {one.code for one in answers.values()} == {"403"}, answers
    return {name: str(one.envelope["seqno"]) for name, one in answers.items()}


def add_user(database: Database, name: str, role: Role, now_us: int, *, sees_plates: bool = False) -> None:
    """An account with PASSWORD."""
    user = User(
        name=name,
        role=role,
        password=HASHED,
        sees_plates=sees_plates,
        enabled=True,
        language=None,
        created_us=now_us,
        last_login_us=None,
    )
    assert database.accounts.add_user(
        user,
        AuditEntry(at_us=now_us, who="command", action="user.add", park_uuid=None, subject=name, detail="", peer=""),
    )


def push_plate(gateway: Gateway, park: str, plate: str) -> None:
    """One record of a plate, really pushed."""
    [row] = sample_renewals(1, 3, until_us=1_795_492_800_000_000, first=ord(plate[-1]))
    assert gateway.push(encode_renewals(park, [msgspec.structs.replace(row, plate=plate)])).code == "1001"
