"""The `vipgate` command: the only place that reads settings and puts the parts together."""

from vipgate.cli.app import main

__all__ = ["main"]
