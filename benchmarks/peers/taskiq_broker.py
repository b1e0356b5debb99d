"""taskiq's broker and tasks: what its workers import. $BENCH_REDIS says where Redis listens."""

from __future__ import annotations

__all__ = ["VARIABLE", "broker", "echo", "noop"]

import os
from typing import Any

from benchmarks import plain
from benchmarks.peers.adapter import imported

taskiq_redis = imported("taskiq_redis")

VARIABLE = "BENCH_REDIS"

_url = os.environ[VARIABLE]
_results = taskiq_redis.RedisAsyncResultBackend(redis_url=_url, result_ex_time=60)
broker: Any = taskiq_redis.ListQueueBroker(url=_url).with_result_backend(_results)
noop: Any = broker.register_task(plain.noop, task_name="noop")
echo: Any = broker.register_task(plain.echo, task_name="echo")
