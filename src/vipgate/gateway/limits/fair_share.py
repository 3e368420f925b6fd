"""The rule by which connections, body memory and queue room are shared: one caller uses at most as much as is still free.

One caller alone gets half, n of them get 1/(n + 1) each, so a caller that has nothing yet finds room however much one other
uses; only many callers together use up all (dynamic thresholds; Choudhury and Hahne, 1998). No clock, no state.
"""

from __future__ import annotations


def has_share(used: int, more: int, free: int) -> bool:
    """Whether a caller that uses `used` may take `more`, where `free` is left for all."""
    return used + more <= free
