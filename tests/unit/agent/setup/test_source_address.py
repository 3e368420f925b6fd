"""A database's address from a form, and back."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from vipgate.agent.setup.source_address import SourceAddress, read_address


@pytest.mark.parametrize(
    "address",
    [
        SourceAddress(
            kind="mysql", server="127.0.0.1", port=3307, database="停车", user="读者", password="p@ss:/w#rd%"
        ),
        SourceAddress(kind="mssql", server="10.0.0.5", database="park", user="sa", password=" "),
        SourceAddress(kind="postgresql", server="::1", database="park"),
        SourceAddress(kind="sqlite", path="D:\\park\\park.db"),
        SourceAddress(kind="access", path=r"C:\park\park.mdb"),
    ],
)
def test_address_is_read_back_as_it_was_given(address: SourceAddress) -> None:
    assert read_address("", address.url) == address


def test_password_with_every_sign_reaches_the_database() -> None:
    url = SourceAddress(kind="mysql", server="h", database="d", user="u", password="a@b:c/d?e#f%g h").url
    assert make_url(url).password == "a@b:c/d?e#f%g h"


@pytest.mark.parametrize(
    "url",
    [
        "access:///?odbc_connect=DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ=C:\\park.mdb;PWD=geheim",
        "access:///?odbc_connect=DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ=C:\\park.mdb%3bPWD=geheim",
        "access:///?odbc_connect=PWD=geheim;DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ=C:\\park.mdb",
    ],
)
def test_password_of_an_access_file_is_no_part_of_its_path(url: str) -> None:
    assert read_address("", url) == SourceAddress(kind="address", address=url)


def test_address_that_the_form_cannot_say_is_kept_whole() -> None:
    url = "mssql+pyodbc://u:p@h/d?driver=ODBC+Driver+17"
    assert read_address("", url) == SourceAddress(kind="address", address=url)
    assert read_address("", "no address") == SourceAddress(kind="address", address="no address")
    assert read_address("续费.csv", "") == SourceAddress(kind="file", path="续费.csv")
