"""Python imports this at its start where the folder is on its path: a gateway's processes, for tests of charge types."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from support.rerouting import reroute

reroute()
