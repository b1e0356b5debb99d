"""A remote generator that runs ahead: for plain iteration alone."""

from __future__ import annotations

__all__ = ["PrefetchingSteps"]

from typing import Any

from wool.dispatch.steps import RemoteSteps
from wool.exceptions import PoolClosed
from wool.protocol.outcome import Lost


class PrefetchingSteps(RemoteSteps):
    """Drives a generator with `prefetch`."""

    async def send(self, value: Any) -> Any:
        """Take the next item. Raises TypeError for anything but None: nobody waits for it there."""
        if value is None:
            return await self.next()
        await self.close()
        ahead = self.task.options.prefetch
        raise TypeError(
            f"{self.task.name!r} was sent a value, but runs up to {ahead} items ahead; "
            f"only a generator without prefetch= stops at each yield for what is sent to it"
        )

    async def throw(self, error: BaseException) -> Any:
        """Close the generator, wherever it is, and raise `error`, or what its clean-up raised.

        An error of a step that nobody will take is dropped, as is what it has set.
        """
        try:
            outcome = await self.close()
            if isinstance(outcome, Lost):
                if not isinstance(outcome.error, PoolClosed):
                    await self.item(outcome)
            elif outcome.kind == "raised" and outcome.cancels and not outcome.is_cancellation(""):
                await self.item(outcome)
            raise error
        finally:
            del error  # its traceback leads to this frame
