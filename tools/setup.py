"""Makes the environment that make works in, with nothing but the standard library.

`python -m tools.setup dev` installs requirements/dev.txt and wool itself (editable) into .venv, or
into $VENV. A stamp in the environment says what it holds. The stamp is completed last, so that an
environment left half made by an interrupted run is made again. One run works at a time.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tools import apt, lock

ROOT = Path(__file__).resolve().parent.parent
PIP_ENV = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}


class SetupError(Exception):
    """Setting up can't go on; the message says why, and the cure."""


class Environment:
    """The virtual environment at `path`."""

    def __init__(self, path: Path, guard: int) -> None:
        self.path = path
        self.python = path / "bin" / "python"
        self._stamp = path / "wool-setup.json"
        self._next_stamp = path / "wool-setup.new"
        self._guard = guard

    def provide(self, name: str) -> None:
        """Make sure that the packages of requirements/`name`.txt are in it."""
        key, held = _key(), self._held()
        if name in held.get(key, []) or "dev" in held.get(key, []):
            return
        if not lock.is_current(name):
            print("pyproject.toml has changed since requirements/ was written: run 'make lock'")
        if key in held and self.python.exists():
            self._write_stamp({})
            self._install(self._installer(), name)
        else:
            held = {}
            self._make(name)
        self._write_stamp({key: [*held.get(key, []), name]})

    def _make(self, name: str) -> None:
        print(f"Setting up {self.path} with Python {_version()} ({sys.executable})", flush=True)
        if shutil.which("uv"):
            self._clear()
            try:
                self._make_with_uv()
                self._install(self._installer(), name)
            except SetupError as error:
                print(f"{error} Trying pip.", flush=True)
            else:
                return
        self._clear()
        self._make_with_pip()
        self._install(self._pip(), name)

    def _make_with_uv(self) -> None:
        command = ("uv", "venv", "--quiet", "--allow-existing", "--no-project")
        if not self._run(*command, "--python", sys.executable, self.path):
            raise SetupError("uv could not make the environment.")

    def _make_with_pip(self) -> None:
        """Without Debian's python3-venv, `venv` works only with a pip that is already there."""
        if self._venv():
            return
        if _system_pip() and self._venv("--without-pip"):
            return
        package = _venv_package()
        if _from_debian() and apt.can_install():
            print(f"This Python can't make environments without the package {package}")
            if apt.install(package) and self._venv():
                return
        cure = f"sudo apt install {package}" if _from_debian() else "use a Python that has them"
        raise SetupError(
            f"{sys.executable} can't make a virtual environment: it has neither ensurepip nor"
            f" pip.\nTo cure that: {cure}"
        )

    def _venv(self, *options: str) -> bool:
        return self._run(sys.executable, "-m", "venv", *options, self.path, quiet=True)

    def _installer(self) -> list[str]:
        if shutil.which("uv"):
            return ["uv", "pip", "install", "--quiet", f"--python={self.python}"]
        return self._pip()

    def _pip(self) -> list[str]:
        if self._run(self.python, "-c", "import pip", quiet=True):
            return [str(self.python), "-m", "pip", "install", "--quiet"]
        return [sys.executable, "-m", "pip", f"--python={self.python}", "install", "--quiet"]

    def _install(self, installer: list[str], name: str) -> None:
        requirements = lock.path_of(name).relative_to(ROOT)
        tool = "uv" if installer[0] == "uv" else "pip"
        print(f"Installing {requirements} with {tool}; this can take a minute or two", flush=True)
        if not (
            self._run(*installer, "--require-hashes", "--requirement", requirements)
            and self._run(*installer, "--no-deps", "--no-build-isolation", "--editable", ".")
        ):
            raise SetupError(
                f"{tool} could not install {requirements}; its messages are above. Most often the"
                " network or the proxy (HTTPS_PROXY) is the reason."
            )

    def _run(self, *command: str | Path, quiet: bool = False) -> bool:
        """Run the command; it shares the guard, which so outlives this process if it is killed."""
        output = subprocess.DEVNULL if quiet else None
        done = subprocess.run(
            list(map(str, command)),
            cwd=ROOT,
            env=os.environ | PIP_ENV,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[self._guard],
        )
        return done.returncode == 0

    def _held(self) -> dict[str, list[str]]:
        if self._stamp.exists():
            held: dict[str, list[str]] = json.loads(self._stamp.read_text())
            return held
        if self.path.exists() and set(self.path.iterdir()) - {self._next_stamp}:
            raise SetupError(
                f"{self.path} was not made by make. Remove it, or have make use another place:"
                " add VENV=.venv-make to the command"
            )
        return {}

    def _write_stamp(self, held: dict[str, list[str]]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._next_stamp.write_text(json.dumps(held))
        self._next_stamp.replace(self._stamp)

    def _clear(self) -> None:
        """Empty it but for the stamp, by which an interrupted run's rest is known as ours."""
        self._write_stamp({})
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != self._stamp:
                entry.unlink()


def _key() -> str:
    """Return a digest of everything that an environment depends on."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [tables["build-system"], tables["project"], tables["tool"]["hatch"]]
    place = [str(ROOT), _version(), sys.base_prefix]
    locks = [lock.path_of(name).read_text() for name in lock.SETS]
    return hashlib.sha256(json.dumps([parts, place, locks]).encode()).hexdigest()


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _system_pip() -> bool:
    """Whether this Python has a pip that knows --python, which came with pip 22.3."""
    command = [sys.executable, "-m", "pip", f"--python={sys.executable}", "--version"]
    return subprocess.run(command, capture_output=True).returncode == 0


def _from_debian() -> bool:
    return sys.base_prefix == "/usr" and Path("/etc/debian_version").exists()


def _venv_package() -> str:
    default = shutil.which("python3", path="/usr/bin")
    own = f"python3.{sys.version_info.minor}"
    is_default = default is not None and Path(default).resolve().name == own
    return "python3-venv" if is_default else f"{own}-venv"


@contextmanager
def _alone() -> Generator[int]:
    """Wait until no other setup runs in this checkout; yield the lock's descriptor."""
    guard = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make is setting up the environment; waiting for it", flush=True)
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield guard
    finally:
        os.close(guard)


def main() -> int:
    path = Path(os.environ.get("VENV") or ".venv")
    try:
        with _alone() as guard:
            Environment(ROOT / path, guard).provide(sys.argv[1])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The next run makes the environment afresh.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
