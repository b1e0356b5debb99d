from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient

import wool
from tests.integrations.app import app
from tests.integrations.clients import Diary
from tests.integrations.conftest import Serve
from tests.integrations.routines import die, double
from tests.loops import options
from wool_integrations.fastapi import WoolPool, wool_lifespan, wool_pool


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(app, backend_options=options()) as client:
        for _ in range(2):  # so that both workers are joined before a test counts what it leaves
            client.get("/dispatch")
        yield client


def test_a_handler_awaits_a_routine(client: TestClient) -> None:
    assert client.get("/double/21").json() == 42


def test_a_plain_handler_awaits_a_routine_through_the_bridge(client: TestClient) -> None:
    assert client.get("/plain/21").json() == 42


def test_a_websocket_handler_awaits_a_routine(client: TestClient) -> None:
    with client.websocket_connect("/socket") as websocket:
        websocket.send_json(21)
        assert websocket.receive_json() == 42


def test_a_routine_is_an_endpoint_where_the_pool_is_active(client: TestClient) -> None:
    assert client.get("/routine/21").json() == 42
    assert client.get("/routine/many").status_code == 422


def test_the_dependency_is_the_pool_that_runs_the_routine(client: TestClient) -> None:
    answer = client.get("/dispatch").json()
    assert len(answer["workers"]) == 2
    assert answer["ran"] in answer["workers"]
    assert answer["server"] not in answer["workers"]


def test_a_remote_generator_streams(client: TestClient) -> None:
    response = client.get("/count/2")
    assert response.text == "event: number\ndata: 1\n\nevent: number\ndata: 2\n\n"


def test_an_empty_remote_generator_answers_204(client: TestClient) -> None:
    assert client.get("/count/0").status_code == 204


def test_a_remote_failure_before_the_first_item_gets_its_status(client: TestClient) -> None:
    response = client.get("/fail")
    assert response.status_code == 404
    assert response.json() == {"detail": "no such picture"}


def test_items_are_encoded_as_results_are(client: TestClient) -> None:
    assert client.get("/points").text == 'data: {"x":1}\n\ndata: {"x":2}\n\n'


def test_bytes_are_no_text(client: TestClient) -> None:
    with pytest.raises(TypeError, match="bytes is not JSON serializable"):
        client.get("/bytes")


def test_without_a_lifespan_the_error_names_the_cure() -> None:
    with pytest.raises(wool.NoActivePool, match="with TestClient"):
        TestClient(app, backend_options=options()).get("/double/1")


def test_a_router_can_bring_the_pool() -> None:
    router = APIRouter(lifespan=wool_lifespan(size=1))
    router.get("/double/{number}", dependencies=[Depends(wool_pool)])(double)
    app = FastAPI()
    app.include_router(router)
    with TestClient(app, backend_options=options()) as client:
        assert client.get("/double/4").json() == 8


def test_tests_can_put_another_pool_in_its_place() -> None:
    async def other() -> str:
        return "a pool for tests"

    app = FastAPI()

    @app.get("/")
    async def handler(pool: WoolPool) -> str:
        return str(pool)

    app.dependency_overrides[wool_pool] = other
    assert TestClient(app, backend_options=options()).get("/").json() == "a pool for tests"


def test_a_worker_that_dies_fails_its_request_and_not_the_next() -> None:
    app = FastAPI(lifespan=wool_lifespan(size=1))
    app.get("/die", dependencies=[Depends(wool_pool)])(die)
    app.get("/double/{number}", dependencies=[Depends(wool_pool)])(double)
    with TestClient(app, backend_options=options()) as client:
        with pytest.raises(wool.WorkerDied):
            client.get("/die")
        assert client.get("/double/4").json() == 8


@pytest.mark.parametrize("items", [0, 1])
def test_a_client_that_leaves_ends_the_generator_on_the_worker(
    serve: Serve, diary: Diary, items: int
) -> None:
    client = serve(app, lifespan="on")(f"GET /linger/{items}?diary={diary.path}")
    assert diary.read_line().startswith("started in")
    if items:
        client.read_until("data: item 0\n\n")
    client.leave()
    assert diary.read_line() == "cleaned up"
