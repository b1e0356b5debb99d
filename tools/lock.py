"""Writes requirements/ from pyproject.toml, or with --check says whether it is current.

Each file pins one set of packages, with hashes, for every supported Python and platform. Its first
line carries a digest of the tables it was made from, so that the check needs no network. Pins stay
where they are unless pyproject.toml forbids them; --upgrade lets all of them move.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORMAT = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
]
SETS = {
    "dev": ["--all-extras", "--group=dev"],
    "demo": ["--group=demo", "--group=build", "--constraint=requirements/dev.txt"],
}


def path_of(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def is_current(name: str) -> bool:
    path = path_of(name)
    return path.exists() and path.read_text().startswith(_heading())


def _heading() -> str:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = tables["project"]
    keys = ("requires-python", "dependencies", "optional-dependencies")
    asked = [tables["dependency-groups"], *(project[key] for key in keys)]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return f"# Written by 'make lock' from the pyproject.toml with digest {digest[:16]}\n"


def _compile(name: str, options: list[str]) -> None:
    path = path_of(name)
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "requirements.txt"
        if path.exists():
            shutil.copyfile(path, out)
        uv = str(Path(sys.executable).with_name("uv"))
        command = [uv, "pip", "compile", "pyproject.toml", *FORMAT, f"--output-file={out}"]
        subprocess.run([*command, *SETS[name], *options], cwd=ROOT, check=True)
        path.write_text(_heading() + out.read_text())


def main() -> int:
    options = sys.argv[1:]
    if "--check" not in options:
        for name in SETS:
            _compile(name, options)
        return 0
    stale = [name for name in SETS if not is_current(name)]
    for name in stale:
        print(f"requirements/{name}.txt is older than pyproject.toml; run 'make lock'")
    return len(stale) > 0


if __name__ == "__main__":
    sys.exit(main())
