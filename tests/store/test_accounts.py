"""Accounts, sessions, tokens and the audit log, on every engine alike."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from support.store_data import HOUR_US, entry, session, token, user
from support.store_database import NOON_US, Ledger
from vipgate.errors import StoreError
from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.interfaces.accounts import AccountStore


@pytest.fixture
def staff(ledger: Ledger) -> AccountStore:
    return SqlAccountStore(ledger.another())  # type: ignore[arg-type]


def actions(staff: AccountStore) -> list[str]:
    return [one.action for one in staff.audit_entries(None, None, None, 100)]


# ---- accounts --------------------------------------------------------------------------------------------------------


def test_account_comes_back_as_it_was_made_and_its_name_is_taken(staff: AccountStore) -> None:
    made = user("李雷@hq", role="admin", sees_plates=True, language="en")
    assert staff.count_users() == 0
    assert staff.add_user(made, entry("made"))
    assert staff.find_user("李雷@hq") == made
    assert not staff.add_user(user("李雷@hq", password="other"), entry("made again"))
    assert staff.find_user("李雷@hq") == made
    assert staff.find_user("nobody") is None
    assert staff.count_users() == 1
    assert actions(staff) == ["made"]


def test_accounts_are_listed_by_name(staff: AccountStore) -> None:
    for name in ("wang", "an", "李"):
        staff.add_user(user(name), entry())
    assert [one.name for one in staff.list_users()] == ["an", "wang", "李"]


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"role": "operator"}, True),
        ({"password": "$argon2id$two"}, True),
        ({"enabled": False}, True),
        ({"role": "reader", "password": "$argon2id$one", "enabled": True}, False),
        ({"language": "en"}, False),
        ({"sees_plates": False}, False),
    ],
    ids=str,
)
def test_change_of_rights_ends_the_sessions_of_the_account_alone(
    staff: AccountStore, change: dict[str, Any], ends: bool
) -> None:
    for name in ("li", "han"):
        staff.add_user(user(name, sees_plates=True), entry())
        staff.note_login(session(name, name), entry())
    assert staff.change_user("li", entry("changed"), **change)
    assert staff.find_user("li") == replace(user("li", sees_plates=True, last_login_us=NOON_US), **change)
    assert (staff.list_sessions("li", NOON_US) == []) == ends
    assert len(staff.list_sessions("han", NOON_US)) == 1
    assert actions(staff)[0] == "changed"


def test_unknown_account_is_not_changed_and_nothing_is_noted(staff: AccountStore) -> None:
    assert not staff.change_user("li", entry("changed"), role="admin")
    assert actions(staff) == []


def test_account_that_may_not_see_plates_any_more_sees_none_at_once(staff: AccountStore) -> None:
    staff.add_user(user(sees_plates=True), entry())
    staff.note_login(session(), entry())
    staff.show_plates("aa", NOON_US + HOUR_US, entry("shown"))
    assert staff.list_sessions("li", NOON_US)[0].plates_until_us == NOON_US + HOUR_US
    staff.change_user("li", entry(), sees_plates=False)
    assert staff.list_sessions("li", NOON_US)[0].plates_until_us == 0


# ---- sessions --------------------------------------------------------------------------------------------------------


def test_session_is_found_with_its_account_until_it_expires(staff: AccountStore) -> None:
    staff.add_user(user(), entry())
    staff.note_login(session(), entry("login"))
    found = staff.find_session("aa", NOON_US + HOUR_US - 1)
    assert found == (session(), user(last_login_us=NOON_US))
    assert staff.find_session("aa", NOON_US + HOUR_US) is None
    assert staff.find_session("bb", NOON_US) is None
    staff.touch_session("aa", NOON_US + 5, NOON_US + 2 * HOUR_US)
    assert staff.find_session("aa", NOON_US + HOUR_US) is not None
    assert staff.list_sessions("li", NOON_US)[0].seen_us == NOON_US + 5


def test_session_of_a_disabled_account_is_of_no_use(staff: AccountStore) -> None:
    staff.add_user(user(enabled=False), entry())
    staff.note_login(session(), entry())
    assert staff.find_session("aa", NOON_US) is None


def test_login_takes_expired_sessions_away(staff: AccountStore) -> None:
    staff.add_user(user(), entry())
    staff.note_login(session("old"), entry())
    staff.note_login(session("new", created_us=NOON_US + HOUR_US, expires_us=NOON_US + 9 * HOUR_US), entry())
    assert [one.digest for one in staff.list_sessions("li", 0)] == ["new"]


def test_session_ends_alone_or_all_of_an_account_at_once(staff: AccountStore) -> None:
    staff.add_user(user(), entry())
    for place, digest in enumerate("abc"):
        staff.note_login(session(digest, created_us=NOON_US + place), entry())
    assert [one.digest for one in staff.list_sessions("li", NOON_US)] == ["c", "b", "a"]
    staff.end_session("b")
    assert staff.end_sessions_of("li", entry("out")) == 2
    assert staff.list_sessions("li", NOON_US) == []
    assert actions(staff)[0] == "out"


# ---- the first account -----------------------------------------------------------------------------------------------


def test_link_makes_one_account_and_is_used_up(staff: AccountStore) -> None:
    staff.add_invitation("first", NOON_US + HOUR_US)
    staff.add_invitation("second", NOON_US + HOUR_US)
    assert not staff.find_invitation("first", NOON_US), "a new link replaces the one before"
    assert staff.find_invitation("second", NOON_US)
    assert not staff.take_invitation("wrong", user(), NOON_US, entry())
    assert not staff.take_invitation("second", user(), NOON_US + HOUR_US, entry())
    assert staff.take_invitation("second", user(role="admin"), NOON_US, entry("welcome"))
    assert not staff.take_invitation("second", user("han"), NOON_US, entry())
    assert not staff.find_invitation("second", NOON_US)
    assert [one.role for one in staff.list_users()] == ["admin"]
    assert actions(staff) == ["welcome"]


def test_link_is_of_no_use_once_there_is_an_account(staff: AccountStore) -> None:
    staff.add_user(user(), entry())
    staff.add_invitation("late", NOON_US + HOUR_US)
    assert not staff.find_invitation("late", NOON_US)
    assert not staff.take_invitation("late", user("han"), NOON_US, entry())
    assert staff.count_users() == 1


def test_two_who_hold_the_link_make_one_account(ledger: Ledger) -> None:
    both = [SqlAccountStore(ledger.another()) for _ in range(2)]  # type: ignore[arg-type]
    both[0].add_invitation("link", NOON_US + HOUR_US)
    barrier, taken = threading.Barrier(2), []

    def take(staff: AccountStore, name: str) -> None:
        barrier.wait()
        taken.append(staff.take_invitation("link", user(name), NOON_US, entry()))

    threads = [threading.Thread(target=take, args=pair) for pair in zip(both, ("li", "han"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, True]
    assert both[0].count_users() == 1


# ---- tokens ----------------------------------------------------------------------------------------------------------


def test_token_comes_back_numbered_until_it_is_revoked(staff: AccountStore) -> None:
    assert staff.add_token(token(), entry("made"))
    assert staff.add_token(token("other", park_uuid="park-one", masked=False, scopes=("changes",)), entry("made other"))
    assert staff.find_token("digest-meter") == token(number=1)
    assert staff.find_token("digest-other") == token(
        "other", number=2, park_uuid="park-one", masked=False, scopes=("changes",)
    )
    assert staff.revoke_token("meter", NOON_US + 5, entry("revoked"))
    assert staff.find_token("digest-meter") is None
    assert not staff.revoke_token("meter", NOON_US + 6, entry())
    assert [(one.name, one.revoked_us) for one in staff.list_tokens()] == [("other", None), ("meter", NOON_US + 5)]
    assert actions(staff) == ["revoked", "made other", "made"]


def test_name_of_a_token_is_free_again_once_it_is_revoked(staff: AccountStore) -> None:
    assert staff.add_token(token(), entry())
    assert not staff.add_token(token(digest="new"), entry("taken"))
    assert "taken" not in actions(staff)
    staff.revoke_token("meter", NOON_US, entry())
    assert staff.add_token(token(digest="new"), entry())
    assert staff.find_token("new") == token(number=2, digest="new")


def test_use_of_a_token_is_noted_once_a_minute(staff: AccountStore) -> None:
    staff.add_token(token(), entry())
    for later_us, noted_us in ((0, 0), (59_000_000, 0), (61_000_000, 61_000_000)):
        staff.use_token(1, NOON_US + later_us)
        assert staff.list_tokens()[0].used_us == NOON_US + noted_us


# ---- the audit log ---------------------------------------------------------------------------------------------------


def test_audit_log_is_read_newest_first_page_by_page(staff: AccountStore) -> None:
    for number in range(1, 8):
        staff.write_audit_entry(
            entry(f"act {number}", who="li" if number % 2 else "han", park_uuid="p" if number > 3 else None)
        )
    pages = [staff.audit_entries(None, None, None, 3)]
    while len(pages[-1]) == 3:
        pages.append(staff.audit_entries(None, None, pages[-1][-1].number, 3))
    assert [one.action for page in pages for one in page] == [f"act {number}" for number in range(7, 0, -1)]
    assert [one.number for page in pages for one in page] == list(range(7, 0, -1))
    assert [one.number for one in staff.audit_entries("li", None, None, 9)] == [7, 5, 3, 1]
    assert [one.number for one in staff.audit_entries(None, "p", 7, 9)] == [6, 5, 4]
    assert [one.number for one in staff.audit_entries("han", "p", None, 9)] == [6, 4]
    assert staff.audit_entries(None, None, 2, 1)[0] == entry("act 1", who="li", number=1)


def test_lines_written_at_once_have_numbers_without_a_gap(ledger: Ledger) -> None:
    several = [SqlAccountStore(ledger.another()) for _ in range(4)]  # type: ignore[arg-type]
    troubles: list[StoreError] = []

    def write(staff: AccountStore) -> None:
        try:
            for _ in range(10):
                staff.write_audit_entry(entry())
        except StoreError as error:
            troubles.append(error)

    threads = [threading.Thread(target=write, args=(staff,)) for staff in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert [one.number for one in several[0].audit_entries(None, None, None, 100)] == list(range(40, 0, -1))
