"""An ESP that takes everything and keeps nothing but counts: Mailchimp's and Klaviyo's answers, as quickly as they can be given.

It stands in for the sandbox, which keeps every record in a file, so that a benchmark measures the engine and not that.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST_BODY = 64_000_000


def answered(body: Any, status: int = 200, media_type: str = "application/json") -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type=media_type)


def document(data: Any, status: int = 200) -> web.Response:
    return answered({"data": data}, status, "application/vnd.api+json")


class NullEsp:
    """Counts the write calls and the records that they carried; the one list has the name it is started with."""

    def __init__(self, audience: str, latency: float) -> None:
        self._audience, self._latency = audience, latency
        self.counts: Counter[str] = Counter()
        # how many profiles each job carried: its status must say so
        self._jobs: list[int] = []

    def application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._late])
        mailchimp, klaviyo = "/mailchimp/3.0/lists", "/klaviyo/api"
        application.add_routes(
            [
                web.get("/counts", self._counted),
                web.get(mailchimp, self._lists),
                web.get(mailchimp + "/{id}/segments", self._no("segments")),
                web.post(mailchimp + "/{id}/segments", self._made),
                web.get(mailchimp + "/{id}/merge-fields", self._no("merge_fields")),
                web.post(mailchimp + "/{id}/merge-fields", self._made),
                web.post(mailchimp + "/{id}", self._batch),
                web.get(klaviyo + "/lists", self._klaviyo_lists),
                web.post(klaviyo + "/profile-bulk-import-jobs", self._job),
                web.get(klaviyo + "/profile-bulk-import-jobs/{id}", self._job_status),
            ]
        )
        return application

    @web.middleware
    async def _late(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._latency and request.path != "/counts":
            await asyncio.sleep(self._latency)
        return await handler(request)

    async def _counted(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return answered(self.counts)

    # -- Mailchimp ------------------------------------------------------------------------------------------------------
    async def _lists(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return answered({"lists": [{"id": "list1", "name": self._audience, "double_optin": False}], "total_items": 1})

    def _no(self, what: str) -> Handler:
        async def empty(request: web.Request) -> web.Response:  # noqa: ARG001
            return answered({what: [], "total_items": 0})

        return empty

    async def _made(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return answered({"id": 1})

    async def _batch(self, request: web.Request) -> web.Response:
        members = orjson.loads(await request.read())["members"]
        self._taken(len(members))
        taken = [{**member, "status": "subscribed"} for member in members]
        body = {"new_members": [], "updated_members": taken, "errors": []}
        return answered({**body, "total_created": 0, "total_updated": len(taken), "error_count": 0})

    # -- Klaviyo --------------------------------------------------------------------------------------------------------
    async def _klaviyo_lists(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return document([{"type": "list", "id": "list1", "attributes": {"name": self._audience}}])

    async def _job(self, request: web.Request) -> web.Response:
        profiles = orjson.loads(await request.read())["data"]["attributes"]["profiles"]["data"]
        self._taken(len(profiles))
        self._jobs.append(len(profiles))
        return document({"type": "profile-bulk-import-job", "id": str(len(self._jobs) - 1)}, status=202)

    async def _job_status(self, request: web.Request) -> web.Response:
        taken = self._jobs[int(request.match_info["id"])]
        counts = {"total_count": taken, "completed_count": taken, "failed_count": 0}
        return document({"type": "profile-bulk-import-job", "id": "", "attributes": {"status": "complete", **counts}})

    def _taken(self, records: int) -> None:
        self.counts["calls"] += 1
        self.counts["records"] += records
