"""A token bucket for rate limits. No clock of its own."""

from __future__ import annotations


class TokenBucket:
    """Allows `burst` requests at once, then one every `refill_s` seconds."""

    def __init__(self, burst: int, refill_s: float, now_s: float) -> None:
        self.burst = burst
        self._refill_s = refill_s
        self._tokens = float(burst)
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Takes one token and returns 0, or returns the seconds until one is available."""
        self._refill(now_s)
        if self._tokens < 1:
            return (1 - self._tokens) * self._refill_s
        self._tokens -= 1
        return 0.0

    def is_full(self, now_s: float) -> bool:
        """Whether all tokens are available."""
        self._refill(now_s)
        return self._tokens >= self.burst

    def _refill(self, now_s: float) -> None:
        # A clock set back neither adds nor removes tokens.
        self._tokens = min(self.burst, self._tokens + max(0.0, now_s - self._at_s) / self._refill_s)
        self._at_s = now_s
