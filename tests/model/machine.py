"""The model test's machine: every rule does the same to the real store, through the real pipeline, and to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from model.forging import CODES, DAY_US, ELSEWHERE, HOME, NOBODY, ORDERS, PARKS, PLATES, REQUESTS, SOME_PARK, Request
from model.ledger import Ledger, Line, Park
from model.world import RETENTION, VAULT, Sent, World
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED, FLAG_UNUSUAL_PLATE
from vipgate.protocol.seqno import seqno_prefix
from vipgate.protocol.signature_md5 import sign
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.ledger import Filter, ParkChange
from vipgate.store.interfaces.queries import RequestLogQuery

HOUR_US: Final = 3_600_000_000
# Odd numbers: no sum of a few of them is a whole day, the bound of what is kept.
JUMPS_US: Final = (
    1_003, 1_000_003, 9 * HOUR_US + 7_654_321, 26 * HOUR_US + 1_234_567, 32 * DAY_US + 3_456_789,
    402 * DAY_US + 9_876_543, -1_500_007, -3 * HOUR_US - 5_432_101, -50 * HOUR_US - 2_345_671,
)  # fmt: skip
FLAGS: Final = (FLAG_UNUSUAL_PLATE, FLAG_PLATE_CHANGED, FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED | FLAG_MONEY_CHANGED)
JOURNAL_PAGE: Final = 100


class Machine(RuleBasedStateMachine):
    """Any sequence of what parks and staff do. A subclass names the world."""

    world: World
    sent: Bundle[tuple[Request, Sent]] = Bundle("sent")

    @initialize()
    def begin(self) -> None:
        self.world.begin()
        self.ledger = Ledger(RETENTION.rejected_bodies_max, RETENTION.rejected_bytes_max)
        self.secrets = 0
        self.touched = set(PARKS)
        for park_uuid in PARKS:
            park = self.ledger.parks[park_uuid] = Park(park_uuid, self._new_secret(), self.now_us)
            sealed = VAULT.seal(park.secret, park_uuid)
            assert self.world.database.store.add_park(park_uuid, "", sealed, self.now_us)

    @property
    def now_us(self) -> int:
        return self.world.clock.now_us

    def _new_secret(self) -> str:
        self.secrets += 1
        return f"secret-{self.secrets}"

    def _entry(self) -> AuditEntry:
        return AuditEntry(at_us=self.now_us, who="model", action="act", park_uuid=None, subject="", detail="", peer="")

    # ---- what parks do ---------------------------------------------------------------------------------------------

    @rule(target=sent, request=REQUESTS)
    def push(self, request: Request) -> tuple[Request, Sent]:
        one = (request, self._signed(request))
        self._push([one])
        return one

    @rule(target=sent, requests=st.lists(REQUESTS, min_size=2, max_size=5))
    def push_some(self, requests: list[Request]) -> Any:
        return self.push_together(requests)

    def push_together(self, requests: list[Request]) -> Any:
        """Requests that arrive at the same time."""
        group = [(request, self._signed(request)) for request in requests]
        self._push(group)
        return multiple(*group)

    @rule(target=sent, requests=st.lists(REQUESTS, min_size=2, max_size=3), park_uuid=st.sampled_from(SOME_PARK))
    def push_behind_a_large_one(self, requests: list[Request], park_uuid: str) -> Any:
        first, *others = [replace(one, park=park_uuid, key="current", flaw=None, peer=HOME) for one in requests]
        return self.push_together([replace(first, large=True), *others])

    @rule(
        request=REQUESTS, park_uuid=st.sampled_from(SOME_PARK), times=st.integers(1, RETENTION.rejected_bodies_max + 1)
    )
    def push_bad_ones(self, request: Request, park_uuid: str, times: int) -> None:
        bad = replace(request, park=park_uuid, key="current", flaw="row", large=False, peer=HOME)
        self.push_together([bad] * times)

    @rule(one=sent)
    def push_the_same_bytes(self, one: tuple[Request, Sent]) -> None:
        self._push([one])

    def _signed(self, request: Request) -> Sent:
        body = request.body()
        park = self.ledger.parks.get(request.park)
        secret = "nobody's" if park is None else park.secret
        if request.key == "previous" and park is not None:
            secret = park.previous or "never-was"
        return Sent(body, sign(body, secret if request.key != "wrong" else "wrong"), request.peer)

    def _push(self, group: list[tuple[Request, Sent]]) -> None:
        envelopes = self.world.push([sent for _, sent in group])
        seqnos = [str(envelope["seqno"]) for envelope in envelopes]
        assert seqnos == sorted(set(seqnos)), "seqnos do not grow"
        assert not self.ledger.journal or seqnos[0] > max(self.ledger.journal), "a seqno from before"
        for (request, sent), envelope in zip(group, envelopes, strict=True):
            line = self._follow(request, sent, str(envelope["seqno"]))
            assert envelope["code"] == line.code, envelope
            assert ("hint" in envelope) == (line.code != "1001")
            if line.code == "1001":
                assert tuple(envelope["payload"].values()) == line.counts

    def _follow(self, request: Request, sent: Sent, seqno: str) -> Line:
        """What the model does with it."""
        line = Line(seqno, None, None if request.flaw == "json" else request.park, "1001", self.now_us)
        park = self.ledger.parks.get(request.park)
        used = None if park is None or not park.enabled else _used(park, sent)
        if request.flaw == "json":
            line.code = "400"
        elif park is None or used is None:
            line.code = "401"
        elif park.allowed not in (None, sent.peer):
            line.park_uuid, line.code = park.park_uuid, "403"
        elif request.flaw is not None:
            line.park_uuid, line.code = park.park_uuid, CODES[request.flaw]
            line.body = sent.body if line.code == "400" else None
        else:
            line.park_uuid, line.claimed, line.secret_used, line.complete = park.park_uuid, None, used, request.complete
            self.ledger.store(park, line, list(request.rows), request.received)
            self.touched.add(request.park)
            return line
        self.ledger.note(park if line.park_uuid is not None else None, line)
        self.touched.add(request.park)
        return line

    # ---- what staff do ---------------------------------------------------------------------------------------------

    @rule(park_uuid=st.sampled_from((*PARKS, NOBODY)))
    def rotate(self, park_uuid: str) -> None:
        park, secret = self.ledger.parks.get(park_uuid), self._new_secret()
        rotated = self.world.database.store.rotate_secret(park_uuid, VAULT.seal(secret, park_uuid), self.now_us)
        assert rotated == (park is not None and park.previous is None)
        if rotated and park is not None:
            park.previous, park.secret, park.secret_used, park.secret_used_us = park.secret, secret, None, None
        self._changed(park_uuid)

    @rule(park_uuid=st.sampled_from(SOME_PARK))
    def retire(self, park_uuid: str) -> None:
        park = self.ledger.parks[park_uuid]
        assert self.world.database.store.retire_secret(park_uuid) == (park.previous is not None)
        park.previous = None
        self._changed(park_uuid)

    @rule(
        park_uuid=st.sampled_from(SOME_PARK),
        allowed=st.sampled_from((None, None, HOME, ELSEWHERE)),
        enabled=st.booleans(),
    )
    def change_park(self, park_uuid: str, allowed: str | None, enabled: bool) -> None:
        park = self.ledger.parks[park_uuid]
        park.allowed, park.enabled = allowed, enabled or not park.enabled
        entries = () if allowed is None else (f"{allowed}/32",)
        change = ParkChange(allow_list=entries, enabled=park.enabled)
        assert self.world.database.store.change_park(park_uuid, change)
        self._changed(park_uuid)

    @rule(park_uuid=st.sampled_from(SOME_PARK), back=st.integers(0, 3))
    def restore(self, park_uuid: str, back: int) -> None:
        park = self.ledger.parks[park_uuid]
        number = park.last - back
        restored = self.world.database.store.restore(park_uuid, number, self.now_us)
        assert restored == self.ledger.restore(park, number, self.now_us)
        self._changed(park_uuid)

    @rule(park_uuid=st.sampled_from(SOME_PARK), order=st.sampled_from(ORDERS), flags=st.sampled_from(FLAGS))
    def review(self, park_uuid: str, order: str, flags: int) -> None:
        reviewed = self.world.database.admin.review(park_uuid, order, flags, self._entry())
        assert reviewed == self.ledger.review(self.ledger.parks[park_uuid], order, flags, self.now_us)
        self._changed(park_uuid)

    @rule(park_uuid=st.sampled_from((*PARKS, None)), plate=st.sampled_from(PLATES))
    def erase_plate(self, park_uuid: str | None, plate: str) -> None:
        erased = self.world.database.admin.erase_plate(plate, park_uuid, self._entry())
        wanted = PARKS if park_uuid is None else (park_uuid,)
        counts = [self.ledger.erase(self.ledger.parks[one], plate, self.now_us) for one in sorted(wanted)]
        assert (erased.records, erased.versions) == tuple(map(sum, zip(*counts, strict=True)))
        self.touched.update(wanted)

    @rule(park_uuid=st.sampled_from(SOME_PARK), days=st.sampled_from((1, 20, None)))
    def set_retention(self, park_uuid: str, days: int | None) -> None:
        assert self.world.database.admin.set_retention(park_uuid, days, self._entry())
        park = self.ledger.parks[park_uuid]
        park.retention_days, park.erase_due_us = days, 0

    # ---- what time does --------------------------------------------------------------------------------------------

    @rule(jump_us=st.sampled_from(JUMPS_US))
    def jump(self, jump_us: int) -> None:
        self.world.clock.now_us += jump_us
        self.world.forget_parks()

    @rule(jump_us=st.sampled_from(JUMPS_US))
    def time_passes(self, jump_us: int) -> None:
        self.jump(jump_us)
        self.housekeep()

    @rule(park_uuid=st.sampled_from(SOME_PARK), days=st.sampled_from((1, 20)))
    def keep_for_a_while(self, park_uuid: str, days: int) -> None:
        self.set_retention(park_uuid, days)
        self.time_passes(26 * HOUR_US + 1_234_567 if days == 1 else 32 * DAY_US + 3_456_789)

    @rule()
    def housekeep(self) -> None:
        self.world.housekeep()
        journal = seqno_prefix(self.now_us - RETENTION.request_log_days * DAY_US)
        bodies = seqno_prefix(self.now_us - RETENTION.rejected_days * DAY_US)
        self.ledger.housekeep(self.now_us, journal, bodies, RETENTION.generation_days)
        self.touched.update(PARKS)

    def _changed(self, park_uuid: str) -> None:
        self.world.forget_parks()
        self.touched.add(park_uuid)

    # ---- what must be true -----------------------------------------------------------------------------------------

    @invariant()
    def books_agree(self) -> None:
        """After each step what it touched; the journal always."""
        for park_uuid in self.touched & set(PARKS):
            self._check_park(self.ledger.parks[park_uuid])
        self.touched.clear()
        page = self.world.database.queries.request_log(RequestLogQuery(), None, JOURNAL_PAGE)
        wanted = sorted(self.ledger.journal, reverse=True)[:JOURNAL_PAGE]
        assert [entry.seqno for entry in page.items] == wanted
        for entry in page.items:
            line = self.ledger.journal[entry.seqno]
            counts = (entry.received, entry.inserted, entry.updated, entry.unchanged)
            assert (
                entry.park_uuid, entry.claimed, entry.code, entry.complete, entry.generation, counts,
                entry.secret_used, entry.origin.received_us, entry.hint is None, entry.body_kept,
            ) == (
                line.park_uuid, line.claimed, line.code, line.complete, line.generation, line.counts,
                line.secret_used, line.received_us, line.code == "1001", line.body is not None,
            )  # fmt: skip

    def _check_park(self, park: Park) -> None:
        store = self.world.database.store
        told = store.find_park(park.park_uuid)
        assert told is not None
        assert (told.enabled, told.generation, told.records, told.has_previous_secret) == (
            park.enabled, park.generation, len(park.records), park.previous is not None,
        )  # fmt: skip
        assert (told.secret_used, told.secret_used_us, told.last_push_us) == (
            park.secret_used, park.secret_used_us, park.last_push_us,
        )  # fmt: skip
        stocks = [
            (one.number, one.number == park.generation, len(one.records), one.seqno, one.started_us, one.ended_us)
            for one in sorted(park.stocks.values(), key=lambda one: one.number, reverse=True)
        ]
        assert stocks == [
            (one.generation, one.current, one.records, one.seqno, one.started_us, one.ended_us)
            for one in store.generations(park.park_uuid)
        ]
        self._check_records(park)
        assert store.daily(park.park_uuid) == {key: tuple(sums) for key, sums in park.daily.items()}
        assert store.daily_answers(park.park_uuid) == {key: tuple(sums) for key, sums in park.answers.items()}

    def _check_records(self, park: Park) -> None:
        store = self.world.database.store
        held = list(store.iter_records(park.park_uuid, Filter()))
        assert len({one.position for one in held}) == len(held), "two changes at one position"
        assert sorted(one.renewal.pay_partner for one in held) == sorted(park.records)
        for one in held:
            wanted = park.records[one.renewal.pay_partner]
            now = wanted.now
            assert (one.renewal, one.revision, one.seqno) == (now.renewal, now.revision, now.seqno)
            assert one.position in now.positions
            versions = store.history(park.park_uuid, one.renewal.pay_partner)
            assert [
                (old.stored.renewal, old.stored.revision, old.stored.seqno, old.replaced_seqno) for old in versions
            ] == [(old.renewal, old.revision, old.seqno, replaced) for old, replaced in wanted.before]
            assert all(
                old.stored.position in version.positions
                for old, (version, _) in zip(versions, wanted.before, strict=True)
            )


def _used(park: Park, sent: Sent) -> str | None:
    """Which of the park's secrets a request was signed with."""
    if sent.authorization == sign(sent.body, park.secret):
        return "current"
    if park.previous is not None and sent.authorization == sign(sent.body, park.previous):
        return "previous"
    return None
