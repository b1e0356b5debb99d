"""A served application outlives its workers, on the loop of `uvicorn[standard]` too."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.integrations.app import workers
from tests.integrations.conftest import Serve
from tests.lives import delayed
from wool_integrations.fastapi import wool_lifespan

pytestmark = pytest.mark.both_loops


@pytest.mark.parametrize("seconds", [0.0, 6.0])
def test_an_application_whose_workers_are_all_killed_goes_on(
    serve: Serve, tmp_path: Path, seconds: float
) -> None:
    late = tmp_path / "late"
    lifespan = wool_lifespan(size=2, worker_lifespan=delayed(late, seconds))
    app = FastAPI(lifespan=lifespan)
    app.get("/dispatch")(workers)
    get = serve(app, lifespan="on")

    def dispatch() -> tuple[int, Any]:
        client = get("GET /dispatch")
        status, _ = client.read_head()
        return status, json.loads(client.read_until("}")) if status == 200 else None

    status, before = dispatch()
    assert status == 200
    late.touch()
    for worker in before["workers"]:
        os.kill(worker, signal.SIGKILL)
    answers = [dispatch()]
    while answers[-1][0] != 200:  # who meets a dead worker is told so
        answers.append(dispatch())
    assert answers[-1][1]["ran"] not in before["workers"]
