"""A worker's logging: what it was told of its parent's, and the way there."""

from __future__ import annotations

__all__ = ["describe_logging", "forward_logs"]

import asyncio
import logging
from collections.abc import Callable

from wool.logs import ForwardingHandler, levels
from wool.protocol import wire_pb2 as wire


def describe_logging() -> wire.Logging:
    """Describe which records this process's loggers take."""
    return wire.Logging(disabled=logging.root.manager.disable, levels=levels())


def forward_logs(described: wire.Logging, elsewhere: Callable[[bytes], None]) -> None:
    """Log what the parent would: calls to their callers, all else `elsewhere`."""
    logging.disable(described.disabled)
    for name, level in described.levels.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger().addHandler(ForwardingHandler(asyncio.get_running_loop(), elsewhere))
