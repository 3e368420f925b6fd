"""Tests mirror the source tree, and what several of them use is in tests/support."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests"
UNIT = TESTS / "unit"
FILES = sorted(TESTS.rglob("*.py"))
UNIT_FILES = [path for path in sorted(UNIT.rglob("test_*.py")) if UNIT / "repository" not in path.parents]
SUITES = {path.name for path in TESTS.iterdir() if path.is_dir()} - {"support"}
# Properties of several modules of one package at once.
OF_A_PACKAGE = {"protocol/test_properties.py"}


def imports(path: Path) -> set[str]:
    """Every module and every name that a file may import, with dots."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def is_a_test(name: str) -> bool:
    """Whether a dotted name leads to a module of tests or to a conftest."""
    place = TESTS.joinpath(*name.removeprefix("tests.").split(".")).with_suffix(".py")
    return place.is_file() and (place.stem.startswith("test_") or place.stem == "conftest")


def source_of(path: Path) -> Path:
    """The package that a unit test is of; bench/ stands outside of the product."""
    package = path.parent.relative_to(UNIT)
    return ROOT / package if package.parts[:1] == ("bench",) else ROOT / "src" / "vipgate" / package


def names_a_module(path: Path) -> bool:
    """`test_row.py` is of row.py, `test_row_flags.py` too."""
    tested = path.stem.removeprefix("test_")
    return any(f"{tested}_".startswith(f"{module.stem}_") for module in source_of(path).glob("*.py"))


def test_no_test_module_and_no_conftest_is_imported() -> None:
    assert len(FILES) > 200
    found = {str(path.relative_to(TESTS)): sorted(filter(is_a_test, imports(path))) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}


def test_what_is_shared_knows_no_suite() -> None:
    found = {
        path.name: sorted(name for name in imports(path) if name.partition(".")[0] in SUITES)
        for path in (TESTS / "support").rglob("*.py")
    }
    assert len(found) > 20
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("path", UNIT_FILES, ids=lambda path: str(path.relative_to(UNIT)))
def test_unit_test_is_named_after_a_module(path: Path) -> None:
    assert names_a_module(path) or str(path.relative_to(UNIT)) in OF_A_PACKAGE


# A file of each kind.
KINDS = {
    "tests/e2e/test_commands.py": "process",
    "tests/unit/agent/test_client.py": "process",
    "tests/simulator/test_simulator.py": "soak",
    "tests/browser/test_login.py": "browser",
    "tests/unit/agent/sources/test_mysql.py": "mariadb",
    "tests/store/test_postgres.py": "postgres",
}


# Prints the kinds of each test that is collected.
COLLECT = """
import sys, pytest
class Kinds:
    def pytest_collection_modifyitems(self, items):
        for item in items:
            print("kinds", item.location[0], *{mark.name for mark in item.iter_markers()})
pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Kinds()])
"""


def test_tests_are_marked_by_what_they_need() -> None:
    done = subprocess.run([sys.executable, "-c", COLLECT, *KINDS], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("kinds ")]
    for path, kind in KINDS.items():
        tests = [kinds for file, *kinds in lines if file == path]
        # Some tests of PostgreSQL and MariaDB need no server.
        assert sum(kind in kinds for kinds in tests) > len(tests) / 2, path
