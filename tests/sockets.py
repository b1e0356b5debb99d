"""Where workers of this machine listen, as the file system and a plain socket have it."""

from pathlib import Path

import wool

__all__ = ["path_of"]

_UNIX = "unix:"


def path_of(worker: wool.WorkerMetadata) -> Path:
    """Return the path of a worker's socket."""
    assert worker.address.startswith(_UNIX)
    return Path(worker.address.removeprefix(_UNIX))
