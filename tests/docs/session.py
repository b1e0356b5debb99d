"""`python -m tests.docs.session`: runs the blocks of a page one after the other, as one program.

Standard input holds them: pairs of a name for tracebacks and the code. Each block's output ends
with a mark.
"""

import ast
import asyncio
import inspect
import json
import sys
from types import ModuleType

from tests.loops import factory

__all__ = ["MARK", "main"]

MARK = "\x1e"


def main() -> None:
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    with asyncio.Runner(loop_factory=factory()) as runner:
        for name, source in json.load(sys.stdin):
            code = compile(source, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, vars(module))  # noqa: S307
            if inspect.iscoroutine(result):
                runner.run(result)
            sys.stdout.write(MARK)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
