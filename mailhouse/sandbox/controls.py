"""The sandbox's own controls under `/_sandbox`: time, counters, faults, limits."""

from collections.abc import Callable
from typing import Any

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.store import stamp


def status_of(runtime: Runtime) -> dict[str, Any]:
    """The clock and the number of live objects of each kind."""
    return {"clock": stamp(runtime.store.now()), "limits": runtime.limits.profile, "counts": runtime.store.counts()}


def advance(runtime: Runtime, body: Any) -> dict[str, Any]:
    """Lets days pass; raises ConfigurationError for anything but a positive whole number of them."""
    from mailhouse.sandbox import company  # the generator is only needed when time passes
    from mailhouse.sandbox.company import website_files

    days = body.get("days", 1) if isinstance(body, dict) else None
    if not isinstance(days, int) or isinstance(days, bool) or days < 1:
        raise ConfigurationError("`days` of POST /_sandbox/advance must be a whole number from 1")
    with runtime.advancing:
        before = runtime.store.now()
        company.advance(runtime.store, runtime.truth_path, days)
        folder = runtime.directory / website_files.FOLDER
        website_files.write_days(runtime.store, runtime.truth_path, folder, before, runtime.store.now())
        runtime.days_passed += 1
    return status_of(runtime)


def set_faults(runtime: Runtime, body: Any) -> dict[str, Any]:
    if not isinstance(body, list):
        raise ConfigurationError("POST /_sandbox/faults takes a list of faults")
    runtime.faults.replace(body)
    return {"faults": len(body)}


def set_limits(runtime: Runtime, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ConfigurationError("POST /_sandbox/limits takes an object: a profile, or numbers by vendor")
    runtime.limits.change(body)
    return dict(runtime.limits.numbers)


def show_effects(runtime: Runtime, body: Any) -> dict[str, Any]:
    """What callers changed; `vendor` and `after` (the last number seen) narrow it."""
    runtime.settle()
    return runtime.effects.as_json(body.get("vendor", ""), int(body.get("after", 0)))


def clear_effects(runtime: Runtime, _: Any) -> dict[str, Any]:
    runtime.settle()
    runtime.effects.clear()
    return {"effects": []}


def show_entries(runtime: Runtime, _: Any) -> dict[str, Any]:
    runtime.settle()
    return runtime.effects.entries()


def move_ticks(runtime: Runtime, body: Any) -> dict[str, Any]:
    """Moves the seconds by which limits, lags and jobs are counted; they stand still in between."""
    seconds = body.get("seconds", 0) if isinstance(body, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ConfigurationError("`seconds` of POST /_sandbox/ticks must be a number from 0")
    return {"now": runtime.ticks.move(seconds), "by_hand": True}


def free_ticks(runtime: Runtime, _: Any) -> dict[str, Any]:
    return {"now": runtime.ticks.let_go(), "by_hand": False}


def clear_calls(runtime: Runtime, _: Any) -> dict[str, Any]:
    runtime.calls.clear()
    return runtime.calls.as_json()


def control_routes(runtime: Runtime) -> list[Route]:
    """Starlette's routes; every answer is JSON, every refusal 400 with the reason."""

    def endpoint(action: Callable[[Runtime, Any], dict[str, Any]]) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            text = await request.body()
            try:
                body = orjson.loads(text) if text else dict(request.query_params)
                answer = await anyio.to_thread.run_sync(action, runtime, body)
            except (MailhouseError, orjson.JSONDecodeError) as error:
                return Response(orjson.dumps({"error": str(error)}), 400, media_type="application/json")
            return Response(orjson.dumps(answer), media_type="application/json")

        return serve

    return [
        Route("/status", endpoint(lambda runtime, _: status_of(runtime)), methods=["GET"]),
        Route("/clock", endpoint(lambda runtime, _: {"now": stamp(runtime.store.now())}), methods=["GET"]),
        Route("/advance", endpoint(advance), methods=["POST"]),
        Route("/calls", endpoint(lambda runtime, _: runtime.calls.as_json()), methods=["GET"]),
        Route("/calls", endpoint(clear_calls), methods=["DELETE"]),
        Route("/requests", endpoint(lambda runtime, _: runtime.calls.log_as_json()), methods=["GET"]),
        Route("/effects", endpoint(show_effects), methods=["GET"]),
        Route("/effects", endpoint(clear_effects), methods=["DELETE"]),
        Route("/entries", endpoint(show_entries), methods=["GET"]),
        Route("/ticks", endpoint(move_ticks), methods=["POST"]),
        Route("/ticks", endpoint(free_ticks), methods=["DELETE"]),
        Route("/faults", endpoint(lambda runtime, _: runtime.faults.as_json()), methods=["GET"]),
        Route("/faults", endpoint(set_faults), methods=["POST"]),
        Route("/limits", endpoint(lambda runtime, _: dict(runtime.limits.numbers)), methods=["GET"]),
        Route("/limits", endpoint(set_limits), methods=["POST"]),
    ]
