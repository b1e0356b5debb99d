"""The workers that are processes of this machine, and what they need of it."""

from __future__ import annotations

__all__ = ["LocalWorkers"]

import contextlib
import tempfile
from types import TracebackType
from typing import Self

from wool.exceptions import StartupError
from wool.fleet.janitor import Janitor
from wool.fleet.local_worker import LocalWorker
from wool.fleet.runtime_directory import RuntimeDirectory
from wool.settings import WorkerSettings


class LocalWorkers:
    """A WorkerFactory. While it is entered, it has a directory and a janitor; once, and no more."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._directory: RuntimeDirectory | None = None
        self._janitor: Janitor | None = None

    def __enter__(self) -> Self:
        """Raises StartupError."""
        try:
            self._directory = RuntimeDirectory()
        except OSError as error:
            raise StartupError(f"no directory for the workers' sockets: {error}") from error
        self._janitor = Janitor(self._directory.path)
        self._open.callback(self._janitor.dismiss)
        self._open.callback(self._directory.remove)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    async def start(self, settings: WorkerSettings, /) -> LocalWorker:
        if self._directory is None or self._janitor is None:
            raise RuntimeError("workers are started while their factory is entered")
        directory = self._directory.path
        with contextlib.ExitStack() as files:
            try:
                stderr = files.enter_context(tempfile.TemporaryFile(dir=directory))
                worker = LocalWorker(settings, directory, stderr, self._janitor.group)
            except OSError as error:
                raise StartupError(f"a worker's process can't be started: {error}") from error
            await worker.until_ready(stderr)
            return worker
