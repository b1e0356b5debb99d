"""A module that wants the worker's state too early: when it is imported."""

import wool

STATE = wool.worker_state()
