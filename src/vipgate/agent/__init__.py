"""The car park's side: reads the park's own records and keeps a platform in step with them.

`Client` alone is for vendors who embed it: typed records in, a receipt or an exception out.
"""

from vipgate.agent.client import Client, PushFailed, PushRefused, Receipt
from vipgate.protocol.renewal import Renewal

__all__ = ["Client", "PushFailed", "PushRefused", "Receipt", "Renewal"]
