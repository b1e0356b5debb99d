"""Finds the Chromium that the browser tests drive, and installs it where that can be done.

`python -m tools.browser` never fails: without a browser the tests that need one skip.
"""

import os
import shutil
import sys
from pathlib import Path

from tools import apt

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC_APPS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
CURE = (
    "install Google Chrome"
    if sys.platform == "darwin"
    else "install Chromium (Debian: sudo apt install chromium)"
)


def find() -> str | None:
    """Return the path of a Chromium or Chrome: $CHROMIUM, else the first one on this machine."""
    if chosen := os.environ.get("CHROMIUM"):
        return shutil.which(chosen)
    on_path = filter(None, map(shutil.which, _COMMANDS))
    apps = (app for app in _MAC_APPS if Path(app).exists())
    return next(on_path, None) or next(apps, None)


def _is_debian() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().splitlines()


def main() -> None:
    if find() is None and _is_debian() and apt.can_install():
        print("Installing Chromium for the browser tests", flush=True)
        apt.install("chromium")
    if browser := find():
        print(f"Browser tests use {browser}", flush=True)
    else:
        print(f"No Chromium found, so browser tests will skip. To run them, {CURE}.", flush=True)


if __name__ == "__main__":
    main()
