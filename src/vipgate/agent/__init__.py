"""The agent of a car park: reads the park's own records and sends them to the platform.

`Client` can be embedded in other programs: it takes typed records and returns a receipt or raises.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vipgate.agent.client import Client, PushFailed, PushRefused, Receipt
    from vipgate.protocol.renewal import Renewal

__all__ = ["Client", "PushFailed", "PushRefused", "Receipt", "Renewal"]
_MODULES: Final = dict.fromkeys(__all__, "vipgate.agent.client") | {"Renewal": "vipgate.protocol.renewal"}


def __getattr__(name: str) -> object:
    """Imports what is asked for: the agent's own modules are below this one, and most need no HTTP library."""
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(_MODULES[name]), name)
