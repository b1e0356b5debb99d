"""`python -m examples.fractal`: serve the demo."""

import argparse
import contextlib
import socket

import uvicorn

from examples.fractal.app import create_app

LOOPS = ("auto", "asyncio", "uvloop")


def main() -> None:
    parser = argparse.ArgumentParser("python -m examples.fractal", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--workers", type=int, help="default: one for each processor")
    parser.add_argument(
        "--loop", choices=LOOPS, default="auto", help="default: uvloop if it is there"
    )
    options = parser.parse_args()
    if options.workers is not None and options.workers < 1:
        parser.error(f"argument --workers: at least 1, not {options.workers}")
    try:
        listener = socket.create_server((options.host, options.port))
    except (OSError, OverflowError) as error:
        where = f"{options.host}:{options.port}"
        parser.exit(1, f"can't listen on {where}: {error}; another port: make demo PORT=8001\n")
    with listener:
        host, port = listener.getsockname()
        print(f"The fractal is at http://{host}:{port}/ (Ctrl-C ends it)", flush=True)
        config = uvicorn.Config(
            create_app(options.workers),
            loop=options.loop,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
