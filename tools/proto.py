"""Generates the protobuf code, or with --check says whether the committed code is current."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"


def generate(out: Path) -> None:
    plugin = Path(sys.executable).with_name("protoc-gen-mypy")
    options = (
        f"-I{PROTOS}",
        f"--plugin=protoc-gen-mypy={plugin}",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
    )
    schemas = sorted(PROTOS.rglob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *options, *map(str, schemas)], check=True
    )


def outdated() -> list[Path]:
    """Return the generated files that are missing, differ, or come from no schema any more."""
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh = _generated_in(Path(scratch))
    committed = _generated_in(ROOT / "wool", relative_to=ROOT)
    paths = fresh.keys() | committed.keys()
    return sorted(path for path in paths if fresh.get(path) != committed.get(path))


def _generated_in(folder: Path, relative_to: Path | None = None) -> dict[Path, bytes]:
    start = relative_to or folder
    return {path.relative_to(start): path.read_bytes() for path in folder.rglob("*_pb2.py*")}


def main() -> int:
    if "--check" not in sys.argv[1:]:
        generate(ROOT)
        return 0
    stale = outdated()
    for path in stale:
        print(f"{path} is not what protos/ gives; run 'make proto' and commit the result")
    return len(stale) > 0


if __name__ == "__main__":
    sys.exit(main())
