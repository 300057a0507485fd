"""A running sandbox: its state, where that is kept, and what happens around it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from lever_sandbox.faults import Fault
from lever_sandbox.journal import Journal
from lever_sandbox.limits import Limits
from lever_sandbox.sandbox import Sandbox
from lever_sandbox.webhooks import RETRY_GAPS, Deliverer

SAVE_AFTER_S = 0.5


@dataclass
class World:
    """`path` None keeps nothing."""

    sandbox: Sandbox
    path: Path | None = None
    limits: Limits = field(default_factory=lambda: Limits(10, 20))
    latency_ms: int = 0
    retry_gaps: tuple[float, ...] = RETRY_GAPS
    journal: Journal = field(default_factory=Journal)
    faults: list[Fault] = field(default_factory=list)
    saving: asyncio.Task[None] | None = None
    unsaved: bool = False

    def __post_init__(self) -> None:
        self.deliverer = Deliverer(self.changed, self.retry_gaps)

    async def start(self) -> None:
        for account in self.sandbox.accounts.values():
            account.listeners.append(self.deliverer.hear)
            self.deliverer.resume(account)

    async def stop(self) -> None:
        await self.deliverer.stop()
        if self.saving:
            await self.saving
        if self.path:
            self.sandbox.save(self.path)

    def changed(self) -> None:
        """Save soon: many changes in a row are written once."""
        self.unsaved = True
        if self.path and self.saving is None:
            self.saving = asyncio.get_running_loop().create_task(self._save(self.path))

    async def _save(self, path: Path) -> None:
        try:
            while self.unsaved:
                await asyncio.sleep(SAVE_AFTER_S)
                self.unsaved = False
                await asyncio.to_thread(self.sandbox.snapshot(path))
        finally:
            self.saving = None
