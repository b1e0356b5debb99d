"""Pools: everything below, wired together in one `async with`."""
