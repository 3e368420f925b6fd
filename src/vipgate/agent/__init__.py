"""The agent of a car park: reads the park's own records and sends them to the platform.

`Client` can be embedded in other programs: it takes typed records and returns a receipt or raises.
"""

from vipgate.agent.client import Client, PushFailed, PushRefused, Receipt
from vipgate.protocol.renewal import Renewal

__all__ = ["Client", "PushFailed", "PushRefused", "Receipt", "Renewal"]
