"""What a pool's arguments must look like, and what is made of them."""

from __future__ import annotations

__all__ = ["call_settings", "worker_settings"]

import secrets
from collections.abc import Iterable
from functools import partial

from wool.settings import CallSettings, WorkerSettings
from wool.support.checks import marks, optional, positive, seconds, strings
from wool.support.secret import Secret

_TOKEN_SIZE = 32  # bytes
_LARGEST = 2**31 - 2**22  # bytes: a protobuf message holds 2 GiB


def call_settings(
    *,
    max_pending: int | None,
    stall_timeout: float | None,
    start_timeout: float,
    grace: float,
    max_message_size: int,
) -> CallSettings:
    """Return the settings of a pool's calls, with a token of its own. Raises what is wrong."""
    return CallSettings(
        Secret(secrets.token_bytes(_TOKEN_SIZE)),
        max_message_size=positive("max_message_size", max_message_size, most=_LARGEST),
        grace=seconds("grace", grace),
        start_timeout=seconds("start_timeout", start_timeout),
        max_pending=optional(positive, "max_pending", max_pending),
        stall_timeout=optional(seconds, "stall_timeout", stall_timeout),
    )


def worker_settings(
    calls: CallSettings,
    *,
    tags: tuple[object, ...],
    modules: Iterable[str],
    max_tasks_per_worker: int | None,
    forward_logs: bool,
) -> WorkerSettings:
    """Return the settings of a pool's workers. Raises what is wrong."""
    most = partial(positive, most=2**63)
    return WorkerSettings(
        calls,
        tags=marks(tags),
        modules=strings("modules", modules),
        max_tasks_per_worker=optional(most, "max_tasks_per_worker", max_tasks_per_worker),
        forward_logs=forward_logs,
    )
