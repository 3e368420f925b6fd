"""The `vipgate` command: the only place that reads settings and connects the parts."""

from vipgate.cli.app import main

__all__ = ["main"]
