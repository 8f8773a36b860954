"""The door of one vendor: faults, credentials and limits first, then the vendor itself, and everything is counted."""

import asyncio
from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from mailhouse.sandbox import judging
from mailhouse.sandbox.faults import AFTER_APPLYING, CUTTING, Fault, miscounted
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.wire import BodyNotReadable, Call, Reply, Routes, Vendor

NOT_A_PAGE = b'{"results": [{"id": "1", "prop\xff\xfe'
LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>"


class Gateway:
    """An ASGI application that speaks for one vendor."""

    def __init__(self, vendor: Vendor, runtime: Runtime) -> None:
        self.vendor = vendor
        self.runtime = runtime
        self.routes = Routes(vendor.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = Call(
            runtime=self.runtime,
            method=request.method,
            path=get_route_path(scope),
            query=request.query_params,
            headers=request.headers,
            body=await request.body(),
            base_url=f"{request.url.scheme}://{request.url.netloc}/{self.vendor.name}",
            request_id=self.runtime.calls.next_request(),
            tick=self.runtime.ticks.now(),
        )
        found = self.routes.find(call.method, call.path)
        writes = False
        if not isinstance(found, int):
            route, call.params = found
            call.template, writes = route.template, route.writes
            call.operation, own = self.vendor.describe(call)
            writes = writes if own is None else own
        # an odd path is counted under its first word, or a caller's typing errors would fill the counter
        call.template = call.template or "/" + call.path.lstrip("/").partition("/")[0] + "/…"

        query = request.url.query
        target = f"{call.path}?{query}" if query else call.path
        fault = self.runtime.faults.next_for(self.vendor.name, call.method, f"{target}#{call.operation}", call.body)
        latency = self.runtime.limits[self.vendor.name]["latency_seconds"]
        release = self._enter(call)
        try:
            if latency:
                await asyncio.sleep(latency)
            reply = await anyio.to_thread.run_sync(self._reply, call, found, fault)
        except BaseException:
            self._count(call, writes, 0, "500")
            raise
        finally:
            release()
        dropped = fault is not None and fault.do in CUTTING
        self._count(call, writes, reply.rows, "dropped" if dropped else str(reply.status))
        if fault is not None and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault is not None and dropped:
            await _cut(scope, receive, send, reply if fault.do == "truncated" else None)
            return
        await _respond(reply)(scope, receive, send)

    def _enter(self, call: Call) -> Any:
        """Vendors that count open connections learn of this one; what is returned tells them it is over."""
        enter = getattr(self.vendor, "enter", None)
        return enter(call) if enter else lambda: None

    def _reply(self, call: Call, found: Any, fault: Fault | None) -> Reply:
        """The vendor's answer, or what a fault makes of it, seen by the judge. Runs in a thread of its own."""
        if fault is not None and fault.do == "partial":
            call.refused_rows = frozenset(fault.rows)
        reply = self._instead(fault) or self._answer(call, found)
        if fault is not None and fault.do == "wrong_count":
            reply.body = miscounted(reply.body)
        if judging.is_in_session():
            objections = judging.verdict(self._exchange(call, reply, is_bent=fault is not None))
            if objections:
                reply = Reply(judging.VIOLATION, {"violation": objections})
            reply.headers[judging.JUDGED] = "yes"
        return reply

    def _answer(self, call: Call, found: Any) -> Reply:
        reply = self.vendor.authenticate(call) or self.vendor.admit(call)
        if reply is None:
            cause = self.runtime.effects.cause(self.vendor.name, call.request_id, f"{call.method} {call.path}")
            try:
                with self.runtime.store.watched(cause):
                    reply = self.vendor.refuse(found) if isinstance(found, int) else found[0].handler(call)
            except BodyNotReadable:
                reply = self.vendor.refuse(400)
        self.vendor.stamp(call, reply)
        return reply

    def _instead(self, fault: Fault | None) -> Reply | None:
        """What takes the place of an answer, for the faults that strike before the vendor has seen the call."""
        if fault is None or fault.do in AFTER_APPLYING:
            return None
        replies: Mapping[str, Reply] = {
            "reset": Reply(0),
            "timeout_before": Reply(0),
            "bodyless_403": Reply(403, b""),
            "garbage": Reply(200, NOT_A_PAGE),
            "html200": Reply(200, LOGIN_PAGE, media="text/html"),
        }
        reply = replies.get(fault.do) or self.vendor.refuse(int(fault.do))
        if fault.do.isdigit():
            # whether a refusal says when to come back is the fault's to tell, not the vendor's
            reply.headers.pop("Retry-After", None)
        if fault.retry_after is not None:
            reply.headers["Retry-After"] = str(fault.retry_after)
        return reply

    def _exchange(self, call: Call, reply: Reply, *, is_bent: bool) -> judging.Exchange:
        return judging.Exchange(
            vendor=self.vendor.name,
            method=call.method,
            path=call.path,
            query=call.query,
            headers=call.headers,
            body=call.body,
            status=reply.status,
            answer_media=reply.media,
            answer=b"" if reply.file is not None else reply.content(),
            answer_is_bent=is_bent,
        )

    def _count(self, call: Call, writes: bool, rows: int, status: str) -> None:
        self.runtime.calls.add(
            self.vendor.name, call.method, call.template, call.operation, writes=writes, rows=rows, status=status
        )
        self.runtime.calls.log(call.request_id, self.vendor.name, call.method, call.path, call.tick, status)


def _respond(reply: Reply) -> Response:
    if reply.file is not None:
        return FileResponse(reply.file, headers=reply.headers, media_type=reply.media)
    return Response(reply.content(), reply.status, reply.headers, reply.media)


async def _cut(scope: Scope, receive: Receive, send: Send, half_of: Reply | None) -> None:
    """Ends the connection with no answer, or with the first half of one."""
    transport: asyncio.Transport = scope["state"]["transport"]
    if half_of is None:
        transport.abort()
    else:
        content = half_of.content()
        headers = [(b"content-type", half_of.media.encode()), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": half_of.status, "headers": headers})
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        transport.close()
    # the server must have noticed the end itself, or it would answer 500 in our name
    while (await receive())["type"] != "http.disconnect":
        pass
