"""Who the peers are: their adapters, and what their environments and a machine have to have."""

from __future__ import annotations

__all__ = ["BASE", "PEERS", "PeerKind"]

from dataclasses import dataclass


@dataclass(frozen=True)
class PeerKind:
    """A peer: its adapter in this package, its distribution, and what else it needs.

    `requires` is what pip installs into its environment; without, it runs in ours.
    """

    adapter: str
    distribution: str | None
    requires: tuple[str, ...] = ()
    program: str | None = None
    cure: str = ""


BASE = "ProcessPoolExecutor"
"""The peer that the others are compared with."""

PEERS = {
    BASE: PeerKind("with_executor", None),
    "wool": PeerKind("with_wool", "wool"),
    "anyio.to_process": PeerKind("with_anyio", "anyio", ("anyio",)),
    "loky": PeerKind("with_loky", "loky", ("loky",)),
    "aiomultiprocess": PeerKind("with_aiomultiprocess", "aiomultiprocess", ("aiomultiprocess",)),
    "Ray": PeerKind("with_ray", "ray", ("ray",)),
    "Dask": PeerKind("with_dask", "distributed", ("distributed",)),
    "taskiq with Redis": PeerKind(
        "with_taskiq",
        "taskiq",
        ("taskiq-redis",),
        program="redis-server",
        cure="apt-get install redis-server",
    ),
    "the other wool": PeerKind("with_wool", "wool", ("wool",)),
}
"""The last has our name on the package index, and is another project."""
