"""The guard over a small real app: what is not named stays closed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from inference_server.access import Guard, door_to
from inference_server.keys import Door, Keys
from inference_server.settings import ServerSettings

INFERENCE, ADMIN = "inference-key", "admin-key"
OPEN = [("GET", "/health"), ("GET", "/ready")]
FOR_INFERENCE = [
    ("GET", "/v1/models"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/tokenize"),
    ("GET", "/personas"),
    ("GET", "/personas/maya"),
]
FOR_ADMIN = [
    ("GET", "/admin/status"),
    ("PUT", "/admin/personas/maya"),
    ("POST", "/admin/personas/maya/reload"),
    ("POST", "/admin/personas/maya/rollback"),
    ("GET", "/admin/personas/maya/versions"),
]
CLOSED = [
    ("POST", "/invocations"),
    ("POST", "/adapters"),
    ("POST", "/v1/load_lora_adapter"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/version"),
    ("GET", "/admin/anything"),
    ("GET", "/admin"),
]
SIDE_DOORS = [
    ("GET", "//v1/models"),
    ("GET", "/v1//models"),
    ("GET", "/v1/models/"),
    ("GET", "/V1/models"),
    ("GET", "/v1/models/base"),
    ("GET", "/x/../v1/models"),
    ("HEAD", "/v1/models"),
    ("OPTIONS", "/v1/models"),
    ("POST", "/v1/models"),
    ("HEAD", "/health"),
    ("GET", "/personas/"),
    ("GET", "/personas/Maya"),
    ("GET", "/personas/maya/reload"),
    ("GET", "/personas/maya\n"),
    ("GET", "/personas/%2e%2e"),
    ("GET", "/health/../admin/status"),
    ("GET", "/health;/admin/status"),
    ("POST", "/admin/personas/maya/reload/"),
    ("POST", "/admin/personas/../reload"),
]


def keys(**settings: object) -> Keys:
    fields = {"inference_api_key": INFERENCE, "admin_api_key": ADMIN, **settings}
    return Keys.of(ServerSettings(_env_file=None, **fields))


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("content of " + request.url.path)


async def greet(socket: WebSocket) -> None:
    await socket.accept()


@pytest.fixture
def app() -> Starlette:
    """An app that answers every path and method, as a careless vLLM would."""
    methods = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"]
    routes = [WebSocketRoute("/{path:path}", greet), Route("/{path:path}", answer, methods=methods)]
    app = Starlette(routes=routes, middleware=[Middleware(Guard)])
    app.state.access_keys = keys()
    return app


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(("method", "path"), OPEN)
async def test_health_and_ready_answer_without_a_key(client, method, path):
    assert (await client.request(method, path)).status_code == 200


@pytest.mark.parametrize(("method", "path"), FOR_INFERENCE)
async def test_the_inference_key_opens_its_routes_and_no_other_does(client, method, path):
    assert (await client.request(method, path, headers=bearer(INFERENCE))).status_code == 200
    for headers in ({}, bearer(ADMIN), bearer("wrong"), {"Authorization": INFERENCE}):
        refused = await client.request(method, path, headers=headers)
        assert refused.status_code == 401
        assert "content of" not in refused.text


@pytest.mark.parametrize(("method", "path"), FOR_ADMIN)
async def test_the_admin_key_opens_its_routes_and_no_other_does(client, method, path):
    assert (await client.request(method, path, headers=bearer(ADMIN))).status_code == 200
    for headers in ({}, bearer(INFERENCE), bearer("wrong")):
        assert (await client.request(method, path, headers=headers)).status_code == 401


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize("key", [INFERENCE, ADMIN])
async def test_no_key_opens_what_is_not_named(client, method, path, key):
    refused = await client.request(method, path, headers=bearer(key))
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(("method", "path"), SIDE_DOORS)
def test_a_path_that_only_resembles_an_allowed_one_is_closed(method, path):
    assert door_to(method, path) is None


def test_every_route_has_the_door_that_this_test_gives_it():
    for door, routes in (
        (Door.OPEN, OPEN),
        (Door.INFERENCE, FOR_INFERENCE),
        (Door.ADMIN, FOR_ADMIN),
    ):
        assert {door_to(*route) for route in routes} == {door}


async def test_without_the_plugin_nothing_but_health_answers(app, client):
    del app.state.access_keys
    for method, path in [*FOR_INFERENCE, *FOR_ADMIN, *CLOSED, ("GET", "/ready")]:
        for key in (INFERENCE, ADMIN):
            refused = await client.request(method, path, headers=bearer(key))
            assert refused.status_code == 503
            assert "plugin" in refused.json()["error"]["message"]
    assert (await client.get("/health")).status_code == 200


async def test_a_key_in_the_address_or_twice_in_the_headers_opens_nothing(client):
    asked = await client.get(f"/v1/models?api_key={INFERENCE}&key={INFERENCE}")
    assert asked.status_code == 401
    twice = [("Authorization", f"Bearer {INFERENCE}"), ("Authorization", f"Bearer {INFERENCE}")]
    assert (await client.get("/v1/models", headers=twice)).status_code == 401


async def test_a_refusal_is_in_openai_s_shape_and_names_no_key(client):
    refused = await client.get("/v1/models", headers=bearer("almost-" + INFERENCE))
    assert refused.json()["error"].keys() == {"message", "type", "param", "code"}
    assert INFERENCE not in refused.text
    assert refused.headers["www-authenticate"] == "Bearer"


def test_websockets_are_refused_with_every_key(app):
    with TestClient(app) as client:
        for key in ("", INFERENCE, ADMIN):
            for path in ("/v1/realtime", "/health", "/admin/status"):
                with (
                    pytest.raises(WebSocketDisconnect),
                    client.websocket_connect(path, headers=bearer(key)),
                ):
                    pass


async def test_metrics_are_closed_until_somebody_opens_them(app, client):
    assert (await client.get("/metrics", headers=bearer(ADMIN))).status_code == 404
    app.state.access_keys = keys(metrics="open")
    assert (await client.get("/metrics")).status_code == 200
    app.state.access_keys = keys(metrics="key", metrics_api_key="reads-metrics")
    for key, status in (("reads-metrics", 200), (INFERENCE, 401), (ADMIN, 401)):
        assert (await client.get("/metrics", headers=bearer(key))).status_code == status
    assert (await client.get("/v1/models", headers=bearer("reads-metrics"))).status_code == 401
