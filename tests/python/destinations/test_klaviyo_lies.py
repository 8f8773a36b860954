"""A Klaviyo that cancels jobs, miscounts or loses them is not believed."""

import asyncio
from datetime import UTC, datetime
from math import ceil, log2

import orjson
import pytest
from aiohttp import web

from mailhouse.clock import FixedClock
from mailhouse.destinations.klaviyo.account import Account
from mailhouse.destinations.klaviyo.limits import LIMITS
from mailhouse.destinations.klaviyo.reading import pages
from mailhouse.errors import MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown
from tests.python.destinations.conftest import change, write

JOBS = "/api/profile-bulk-import-jobs"


class Liar:
    """Klaviyo's import jobs, with a way to bend what becomes of one."""

    def __init__(self, bend) -> None:
        self.bend, self.kept, self.jobs, self.posts = bend, {}, {}, 0

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path
        if request.method == "POST":
            self.posts += 1
            profiles = orjson.loads(await request.read())["data"]["attributes"]["profiles"]["data"]
            status, body = self.bend(self, profiles)
            return web.json_response(body, status=status)
        if path == JOBS:
            return web.json_response({"data": []})
        if path == "/api/profiles":
            found = [one for one in self.kept.values() if f'"{one["attributes"]["email"]}"' in request.query["filter"]]
            return web.json_response({"data": found})
        if path.endswith("/import-errors"):
            return web.json_response({"data": self.jobs[path.split("/")[-2]].get("errors", [])})
        job = self.jobs.get(path.rsplit("/", 1)[1])
        if job is None:
            return web.json_response({"errors": [{"code": "not_found", "detail": "no such job"}]}, status=404)
        return web.json_response({"data": {"type": "profile-bulk-import-job", "id": "j", "attributes": job["attributes"]}})

    def take(self, profiles: list) -> None:
        for one in profiles:
            email = one["attributes"]["email"]
            self.kept[email] = {"type": "profile", "id": f"id-{email}", "attributes": one["attributes"]}

    def answer(self, profiles: list, *, status: str = "complete", errors: tuple = (), **counts) -> tuple[int, dict]:
        """A job that is done at once."""
        name = f"job{self.posts}"
        figures = {"total_count": len(profiles), "completed_count": len(profiles), "failed_count": 0, **counts}
        self.jobs[name] = {"attributes": {"status": status, **figures}, "errors": list(errors)}
        return 202, {"data": {"type": "profile-bulk-import-job", "id": name}}


def send(liar: Liar, count: int, clock: FixedClock | None = None):
    """Send people and settle what is unknown: the outcomes in order, and whether they were read back."""
    changes = [change(f"person{number}", {"first_name": "A"}) for number in range(count)]

    async def run():
        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", "/{path:.*}", liar.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with HttpClient(
                "klaviyo", url, LIMITS, clock or FixedClock(datetime(2026, 5, 4, tzinfo=UTC)), headers={}
            ) as client:
                account, call = Account(client), write(*changes)
                try:
                    return await account.send(call, lambda _: None), False
                except OutcomeUnknown:
                    return await account.settle(call), True
        finally:
            await runner.cleanup()

    outcomes, read_back = asyncio.run(run())
    said = {outcome.key: outcome for outcome in outcomes}
    assert len(said) == len(outcomes) == count
    return [said[one.key] for one in changes], read_back


def names(profiles: list) -> set[str]:
    return {one["attributes"]["email"].partition("@")[0] for one in profiles}


def test_a_cancelled_job_is_halved_until_its_bad_row_stands_alone():
    def bend(liar, profiles):
        if "person137" in names(profiles):
            return liar.answer(profiles, status="cancelled", completed_count=0)
        liar.take(profiles)
        return liar.answer(profiles)

    liar = Liar(bend)
    outcomes, read_back = send(liar, 500)
    assert [n for n, outcome in enumerate(outcomes) if outcome.status != "accepted"] == [137]
    assert (outcomes[137].status, outcomes[137].code) == ("rejected", "cancelled")
    assert liar.posts <= 1 + 2 * ceil(log2(500))
    assert not read_back


@pytest.mark.parametrize("bad", [{3, 60}, {0, 1}, {99}])
def test_each_bad_row_costs_no_more_calls_than_a_search_may(bad):
    def bend(liar, profiles):
        if names(profiles) & {f"person{number}" for number in bad}:
            return 400, {"errors": [{"code": "invalid", "title": "Invalid", "detail": "something is wrong"}]}
        liar.take(profiles)
        return liar.answer(profiles)

    liar = Liar(bend)
    outcomes, _ = send(liar, 100)
    assert {n for n, outcome in enumerate(outcomes) if outcome.status == "rejected"} == bad
    assert liar.posts <= 1 + len(bad) * 2 * ceil(log2(100))


def test_a_refusal_that_points_at_its_rows_needs_one_more_call():
    def bend(liar, profiles):
        wrong = [n for n, one in enumerate(profiles) if one["attributes"]["email"].startswith(("person7@", "person41@"))]
        if wrong:
            pointers = [f"/data/attributes/profiles/data/{n}/attributes/email" for n in wrong]
            errors = [{"code": "invalid", "detail": "person7@example.test?", "source": {"pointer": one}} for one in pointers]
            return 400, {"errors": errors}
        liar.take(profiles)
        return liar.answer(profiles)

    liar = Liar(bend)
    outcomes, _ = send(liar, 60)
    assert [n for n, outcome in enumerate(outcomes) if outcome.status == "rejected"] == [7, 41]
    assert liar.posts == 2
    assert "@" not in outcomes[7].reason


def test_a_vendor_that_cancels_everything_is_not_asked_about_every_row():
    liar = Liar(lambda liar, profiles: liar.answer(profiles, status="cancelled", completed_count=0))
    outcomes, _ = send(liar, 5_000)
    assert liar.posts < 500
    assert {outcome.status for outcome in outcomes} <= {"try_again", "rejected"}
    assert sum(outcome.status == "try_again" for outcome in outcomes) > 4_500


def another_total(liar, profiles):
    return liar.answer(profiles, total_count=len(profiles) + 1)


def not_all_done(liar, profiles):
    return liar.answer(profiles, completed_count=len(profiles) - 2)


def failures_without_errors(liar, profiles):
    return liar.answer(profiles, failed_count=2)


def an_error_about_a_stranger(liar, profiles):
    payload = {"type": "profile", "attributes": {"email": "stranger@example.test"}}
    return liar.answer(profiles, failed_count=1, errors=({"attributes": {"code": "x", "original_payload": payload}},))


def a_state_nobody_knows(liar, profiles):
    return liar.answer(profiles, status="napping")


def no_figures(liar, profiles):
    return liar.answer(profiles, total_count=None)


def no_job_id(liar, profiles):
    return 202, {"data": {"type": "profile-bulk-import-job"}}


def a_job_that_is_lost(liar, profiles):
    return 202, {"data": {"type": "profile-bulk-import-job", "id": "nowhere"}}


@pytest.mark.parametrize(
    "lie",
    [
        another_total,
        not_all_done,
        failures_without_errors,
        an_error_about_a_stranger,
        a_state_nobody_knows,
        no_figures,
        no_job_id,
        a_job_that_is_lost,
    ],
)
def test_a_job_that_contradicts_itself_is_settled_by_reading_back(lie):
    def bend(liar, profiles):
        # the last one was never taken, whatever the answer says
        liar.take([one for one in profiles if not one["attributes"]["email"].startswith("person6@")])
        return lie(liar, profiles)

    outcomes, read_back = send(Liar(bend), 7)
    assert read_back
    assert [outcome.status for outcome in outcomes] == ["accepted"] * 6 + ["try_again"]
    assert outcomes[0].vendor_id == "id-person0@example.test"


def test_a_job_that_never_ends_is_given_up_after_its_time():
    clock = FixedClock(datetime(2026, 5, 4, tzinfo=UTC))
    before = clock.now()
    outcomes, read_back = send(Liar(lambda liar, profiles: liar.answer(profiles, status="processing")), 2, clock)
    assert read_back
    assert {outcome.status for outcome in outcomes} == {"try_again"}
    assert LIMITS.job_seconds <= (clock.now() - before).total_seconds() < LIMITS.job_seconds + 60


def test_pages_that_go_round_in_a_circle_end():
    async def handle(request: web.Request) -> web.Response:
        following = "https://elsewhere.example/api/profiles?page%5Bcursor%5D=again"
        return web.json_response({"data": [], "links": {"next": following}})

    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        clock = FixedClock(datetime(2026, 5, 4, tzinfo=UTC))
        try:
            async with HttpClient("klaviyo", f"http://127.0.0.1:{runner.addresses[0][1]}", LIMITS, clock, headers={}) as client:
                with pytest.raises(MalformedAnswer, match="circle"):
                    await pages(client, "/api/profiles", "/api/profiles", {})
                return client.calls
        finally:
            await runner.cleanup()

    assert asyncio.run(run()) == {"GET /api/profiles 200": 2}
