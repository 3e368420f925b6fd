"""What deploy/ and docs/operating.md name is there: metrics, commands, options, settings, files; and their numbers fit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from vipgate.admin.prometheus import Parks, of_cluster, of_parks, of_shared_metrics
from vipgate.cli.app import command_line
from vipgate.domain.park_health import MARKS
from vipgate.gateway.settings import Settings
from vipgate.protocol.envelope import BODY_BYTES_MAX, PUSH_PATH
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import SharedMetrics

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
# How the two processes' own figures are told apart, and what Prometheus adds to every sample.
GIVEN = {"instance", "job"}
UNITS = sorted(path.name for path in DEPLOY.glob("vipgate*") if path.suffix in (".service", ".timer"))


class _Everything(Collector):
    """One of each metric that the admin port shows."""

    def collect(self) -> Iterator[Any]:
        shared_metrics = SharedMetrics(1)
        shared_metrics.cells(0)[:] = memoryview(
            b"".join([b"\0" * 6 + b"\xf0\x3f"] * len(shared_metrics.cells(0)))
        ).cast("d")
        yield from of_shared_metrics(shared_metrics, 1.0)
        yield from of_parks(Parks(0, {"p": 1}, dict.fromkeys(MARKS, 1), whole=True), 2)
        yield from of_cluster(None)
        yield from ProcessCollector(registry=None).collect()
        yield from ProcessCollector("vipgate_admin", registry=None).collect()


def shown() -> dict[str, dict[str, set[str]]]:
    """Every sample's name with the values of each of its labels."""
    registry = CollectorRegistry()
    registry.register(_Everything())
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    return found


SHOWN = shown()
EXPRESSIONS = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{
        f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel.get("targets", [])
    },
    "instances": DASHBOARD["templating"]["list"][1]["query"]["query"],
    "starts": DASHBOARD["annotations"]["list"][0]["expr"],
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_expression_asks_for_metrics_and_labels_that_are_shown(expression: str) -> None:
    bare = re.sub(r'"[^"]*"', '""', expression)
    used = re.findall(r"\b((?:vipgate|process)_\w+)(\{[^}]*\})?", expression)
    assert used or "up{" in expression
    for name, selector in used:
        assert name in SHOWN, name
        for label, operator, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', selector):
            assert label in SHOWN[name] or label in GIVEN, label
            if label not in GIVEN and operator == "=":
                assert value in SHOWN[name][label], value
            if label not in GIVEN and operator == "=~":
                assert any(re.fullmatch(value, known) for known in SHOWN[name][label]), value
    for labels in re.findall(r"\bby \(([^)]*)\)", bare):
        for label in labels.split(", "):
            assert label in GIVEN or all(label in SHOWN[name] for name, _ in used), label
    assert bare.count("(") == bare.count(")")
    assert bare.count("{") == bare.count("}")


def test_every_alert_is_said_how_bad_and_has_a_remedy_in_the_manual() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "warn", "notice")
        assert set(rule["annotations"]) == {"summary", "description"}
    assert set(re.findall(r"\*(Vipgate\w+)\*", OPERATING)) == {rule["alert"] for rule in RULES}


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_metric_of_the_manual_is_shown() -> None:
    for name, label in re.findall(r"`(vipgate_\w+)(?:\{(\w+)\})?`", OPERATING):
        samples = [SHOWN[full] for full in (name, f"{name}_bucket") if full in SHOWN]
        assert samples, name
        assert not label or label in samples[0], name


def code_in(page: str) -> Iterator[str]:
    """Shell lines and inline code, comments taken off, continued lines joined."""
    for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield re.sub(r"\s#\s.*$", "", line)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page)


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after each `vipgate` or `vg` that is called."""
    for called in re.findall(r"(?:^|[\s/\"(])(?:vipgate|vg|\$\{VIPGATE:-vipgate\}\") +([^|;&<>]+)", text):
        words = called.replace('"', " ").split()
        while words and words[0] == "vipgate":
            del words[0]
        if words and re.fullmatch(r"[a-z]+(-[a-z]+)*", words[0]):
            yield words


SCRIPTS = "\n".join(
    line
    for name in ("backup.sh", *UNITS)
    for line in (DEPLOY / name).read_text().splitlines()
    if not line.startswith(("#", "Description="))
)
CALLED = [
    words
    for text in [*code_in(OPERATING), *SCRIPTS.splitlines(), "vipgate serve"]
    for words in commands_in(text)
    # The image and the unit bear the program's name.
    if not re.search(r"\b(podman (build|volume)|useradd|install -[do]|systemctl)\b", text)
]


@pytest.mark.parametrize("words", CALLED, ids=" ".join)
def test_command_and_its_options_are_there(words: list[str]) -> None:
    command: Any = typer.main.get_command(command_line())
    for word in words:
        group = getattr(command, "commands", None)
        if group is not None:
            assert word in group, word
            command = group[word]
        elif word.startswith("--"):
            options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
            assert word in options, word
    assert not hasattr(command, "commands")


def test_search_for_commands_finds_them() -> None:
    found = {" ".join(words[:2]) for words in CALLED}
    assert {"park add", "rekey", "serve", "park list", "park restore"} <= found
    assert len(CALLED) > 30


def test_setting_that_is_named_is_one() -> None:
    files = "\n".join(path.read_text(encoding="utf-8") for path in DEPLOY.iterdir() if path.is_file()) + OPERATING
    names = {name.lower() for name in re.findall(r"\bVIPGATE_([A-Z][A-Z0-9_]+)", files)} - {"config"}
    table = OPERATING.partition("### Settings that matter")[2].partition("\n## ")[0]
    names |= {
        name
        for cell in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`([a-z_0-9]+)`", cell)
    }
    assert names > {"home", "master_key", "always_200"}
    assert names <= set(Settings.model_fields)


def test_file_that_is_named_is_there() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    named = {name for line in copied for name in line.split()}
    named |= set(re.findall(r"(?<![\w/])((?:deploy|requirements)/[\w.-]+)", OPERATING))
    named |= set(
        re.findall(r"\bdocs/[\w.-]+\.md\b", "\n".join(path.read_text() for path in DEPLOY.iterdir() if path.is_file()))
    )
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert PUSH_PATH in OPERATING


def test_limits_around_the_gateway_are_wider_than_its_own() -> None:
    """A proxy that is stricter refuses without an envelope; a service manager that is, kills in the middle."""
    plain = Settings.model_construct()
    unit = dict(re.findall(r"^(\w+)=(\d+)$", (DEPLOY / "vipgate.service").read_text(), re.MULTILINE))
    assert int(unit["LimitNOFILE"]) > 2 * plain.connections_max
    assert int(unit["TimeoutStopSec"]) > plain.shutdown_timeout_s + 20
    nginx, caddy = ((DEPLOY / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    assert all(int(size) * 10**6 > BODY_BYTES_MAX for size in re.findall(r"client_max_body_size (\d+)m", nginx))
    assert all(int(size) * 10**6 > BODY_BYTES_MAX for size in re.findall(r"max_size (\d+)MB", caddy))
    keepalive_timeout_s = [int(found) for found in re.findall(r"keepalive(?:_timeout)? (\d+)s", nginx + caddy)]
    assert len(keepalive_timeout_s) == 4
    assert max(keepalive_timeout_s) < plain.keepalive_timeout_s


def test_proxies_of_the_examples_say_whom_they_are_called_by_and_are_believed() -> None:
    nginx, caddy = ((DEPLOY / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    assert nginx.count("proxy_set_header X-Forwarded-For $remote_addr;") == nginx.count("proxy_pass ") == 2
    # `$host` has no port, and the console's origin has one where it is not 443.
    assert nginx.count("proxy_set_header Host $http_host;") == 2
    assert "header_up" not in caddy, "Caddy passes Host and adds the caller by itself"
    trusted = re.findall(r'trusted_proxies = "([^"]+)"', nginx + caddy + OPERATING)
    assert len(trusted) == 3
    assert all(
        parse_trusted_proxies(one).client_address("127.0.0.1", "203.0.113.9") == "203.0.113.9" for one in trusted
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_units_are_understood_by_systemd(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_other_files_can_be_read() -> None:
    assert yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["rule_files"] == ["alerts.yml"]
    for name in ("nginx.conf", "Caddyfile"):
        bare = re.sub(r"#.*", "", (DEPLOY / name).read_text())
        assert bare.count("{") == bare.count("}") > 0
    container = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"^FROM (\S+)", container, re.MULTILINE) == ["${BASE}"] * 2
    # By a tag: the reason stands before it, and how to give a digest.
    assert re.search(
        r"^# .*digest(?:.*\n#)*.*\bBASE=python@sha256:…\nARG BASE=python:3\.11-slim$", container, re.MULTILINE
    )
    assert not re.search(r"(?i)index-url|https?://(?!127\.0\.0\.1)", (DEPLOY / "Containerfile").read_text())
