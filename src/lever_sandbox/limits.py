"""How many calls a key may make."""

from collections.abc import Callable
from time import monotonic

from lever_sandbox.refusals import Refused


class Limits:
    """A token bucket per key: `rate` calls a second, and `burst` at once after a pause."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self.clock = clock
        self.buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Take one token of this key's bucket, or raise 429."""
        now = self.clock()
        tokens, then = self.buckets.get(key, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        self.buckets[key] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise Refused(429, "TooManyRequests", "Too many requests: slow down and try again")
