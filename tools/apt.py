"""Debian packages: installed when root runs make, else only named."""

import os
import shutil
import subprocess

_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_OPTIONS = ("-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::http::Timeout=30")


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> bool:
    """Install the packages and return whether that worked; apt-get's errors are shown."""
    return _apt_get("update") and _apt_get("install", "--yes", "--no-install-recommends", *packages)


def _apt_get(*arguments: str) -> bool:
    print("+ apt-get", *arguments, flush=True)
    command = ("apt-get", *_OPTIONS, *arguments)
    done = subprocess.run(
        command, env=os.environ | _QUIET, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    return done.returncode == 0
