"""A request that comes again is answered once it is done, and done once.

The connector sends a statement again when no answer has come within a minute. Snowflake knows it by its number; left alone, the
stand-in would run it a second time beside the first.
"""

import asyncio
from collections import OrderedDict

from fakesnow.server import query_request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

REMEMBERED = 64  # answers, more than are ever under way

under_way: OrderedDict[str, "asyncio.Task[Response]"] = OrderedDict()


async def answered_once(request: Request) -> Response:
    number = request.query_params["requestId"]
    if number not in under_way:
        under_way[number] = asyncio.ensure_future(query_request(request))
        if len(under_way) > REMEMBERED:
            under_way.popitem(last=False)
    return await asyncio.shield(under_way[number])


def answer_once(app: Starlette) -> Starlette:
    """The application, with statements run once however often they are sent."""
    routes = app.router.routes
    place = next(place for place, route in enumerate(routes) if route.endpoint is query_request)
    routes[place] = Route(routes[place].path, answered_once, methods=["POST"])
    return app
