"""An ESP that refuses whole batches, miscounts or says two things at once is not believed."""

import asyncio
from datetime import UTC, datetime
from math import ceil, log2

import pytest
from aiohttp import web

from mailhouse.clock import FixedClock
from mailhouse.destinations import Call, Change
from mailhouse.destinations.mailchimp.account import Account
from mailhouse.destinations.mailchimp.wire import LIMITS, key_of
from mailhouse.http import HttpClient, OutcomeUnknown


def change(number: int) -> Change:
    address = f"person{number}@example.test"
    return Change("mailchimp", "Customers", key_of(address), f"c{number}", address, address, '{"FNAME":"A"}', "h", True, ("VIP",))


class Liar:
    """Mailchimp's batch endpoint, with a way to bend its answers."""

    def __init__(self, bend) -> None:
        self.bend, self.batches, self.members = bend, 0, {}

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path
        if path.endswith("/lists"):
            return web.json_response({"lists": [{"id": "l1", "name": "Customers"}], "total_items": 1})
        if "/members/" in path:
            member = self.members.get(path.rsplit("/", 1)[1])
            return web.json_response(member or {"title": "Resource Not Found"}, status=200 if member else 404)
        self.batches += 1
        asked = (await request.json())["members"]
        status, body = self.bend(asked, self)
        return web.json_response(body, status=status)

    def take(self, asked: list) -> dict:
        for one in asked:
            tags = [{"id": 1, "name": tag} for tag in one["tags"]]
            self.members[key_of(one["email_address"])] = {"id": "x", "merge_fields": one["merge_fields"], "tags": tags}
        members = [{"email_address": one["email_address"]} for one in asked]
        return {
            "new_members": members,
            "updated_members": [],
            "errors": [],
            "total_created": len(members),
            "total_updated": 0,
            "error_count": 0,
        }


def send(liar: Liar, count: int):
    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", liar.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/3.0"
        clock = FixedClock(datetime(2026, 5, 4, tzinfo=UTC))
        call = Call("write", "Customers", "", tuple(change(number) for number in range(count)))
        try:
            async with HttpClient("mailchimp", url, LIMITS, clock, headers={}) as client:
                account = Account(client)
                try:
                    return await account.send(call, lambda _: None)
                except OutcomeUnknown:
                    return await account.settle(call), "read back"
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_one_bad_row_of_a_refused_batch_is_found_by_halving_and_the_others_land():
    def bend(asked, liar):
        if any(one["email_address"].startswith("person137@") for one in asked):
            return 400, {"title": "Invalid Resource", "detail": "person137@example.test is not welcome", "status": 400}
        return 200, liar.take(asked)

    liar = Liar(bend)
    outcomes = send(liar, 500)
    rejected = [outcome for outcome in outcomes if outcome.status == "rejected"]
    assert [outcome.key for outcome in rejected] == [key_of("person137@example.test")]
    assert "@" not in rejected[0].reason
    assert sum(outcome.status == "accepted" for outcome in outcomes) == 499
    assert liar.batches <= 1 + 2 * ceil(log2(500))


def miscounted(answer, asked):
    answer["total_created"] += 1


def leaves_one_out(answer, asked):
    answer["new_members"].pop()
    answer["total_created"] -= 1


def both_ways(answer, asked):
    answer["errors"] = [{"email_address": asked[0]["email_address"], "error": "no", "error_code": "ERROR_GENERIC"}]
    answer["error_count"] = 1


def not_an_answer(answer, asked):
    answer.clear()


@pytest.mark.parametrize("lie", [miscounted, leaves_one_out, both_ways, not_an_answer])
def test_an_answer_that_contradicts_itself_is_settled_by_reading_back(lie):
    def bend(asked, liar):
        answer = liar.take(asked[:-1])
        answer["new_members"].append({"email_address": asked[-1]["email_address"]})
        answer["total_created"] += 1
        lie(answer, asked)
        return 200, answer

    outcomes, how = send(Liar(bend), 7)
    assert how == "read back"
    # the last one was never taken, whatever the answer said
    assert [outcome.status for outcome in outcomes] == ["accepted"] * 6 + ["try_again"]
