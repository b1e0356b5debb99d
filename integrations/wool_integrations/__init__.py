"""Wool in web frameworks: one module for each, importable where the framework is installed.

`sse` and `shutdown` need no framework; `starlette` and `fastapi` add what those expect.
"""
