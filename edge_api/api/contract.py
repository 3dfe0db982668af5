"""The feed's contract as this edge speaks it, for whoever subscribes: anyone may read it."""

import json

from fastapi import APIRouter, Response

from edge_api.api.problems import Problem


def contract_routes() -> APIRouter:
    """Return the routes of the AsyncAPI document and the JSON Schemas; they tell nothing of this commune."""
    router = APIRouter(prefix="/feed", tags=["contract"])

    @router.get("/asyncapi.json")
    def asyncapi() -> Response:
        """Return the AsyncAPI 3 document of the MQTT feed."""
        from gateway.feed import schema  # noqa: PLC0415 - few ask, and a Pi's memory is small

        return _json(schema.asyncapi(), "application/json")

    @router.get("/schemas/{name}.json")
    def one(name: str) -> Response:
        """Return the JSON Schema (2020-12) of one kind of body, such as WasteContainer or Event."""
        from gateway.feed import schema  # noqa: PLC0415 - few ask, and a Pi's memory is small

        known = schema.schemas()
        if name not in known:
            raise Problem(404, f"the feed has no body of that name; it has {', '.join(known)}")
        return _json(known[name], "application/schema+json")

    return router


def _json(content: object, kind: str) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), headers={"Content-Type": kind})
