"""Judges what goes between our code and the sandbox's Klaviyo by Klaviyo's own description of its API.

`judge` is what the sandbox calls with every exchange. A complaint makes the sandbox answer 599 and is written into the file
that ends the whole test run in failure. A test that sends something wrong on purpose says so in a header; such a call must
then really be wrong or refused, and must not be answered with success.
"""

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import PathError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from mailhouse.sandbox.judging import Exchange

DESCRIPTION = Path(__file__).parents[4] / "shared" / "specs" / "klaviyo" / "klaviyo_trimmed.json"
COMPLAINTS = "MAILHOUSE_TEST_COMPLAINTS"  # the file that the run's complaints go into
ON_PURPOSE = "X-Wrong-On-Purpose"
HOST = "https://a.klaviyo.com"
# the parser's own caches are not made for many threads
_ONE_AT_A_TIME = threading.Lock()


class Asked:
    """A request as openapi-core wants it."""

    def __init__(self, exchange: Exchange) -> None:
        self.host_url, self.path, self.method = HOST, exchange.path, exchange.method.lower()
        self.body = exchange.body or None
        self.content_type = exchange.headers.get("content-type", "").lower()
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(exchange.query), header=Headers(dict(exchange.headers)), cookie=ImmutableMultiDict()
        )


class Answered:
    """An answer as openapi-core wants it."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code, self.data = exchange.status, exchange.answer
        self.content_type = exchange.answer_media if exchange.answer else ""
        self.headers = Headers()


class Judge:
    """One description of an API."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.revision = description["info"]["version"]
        self.api = OpenAPI.from_dict(mended(description))
        self.judged = 0

    def __call__(self, exchange: Exchange) -> list[str]:
        """What is wrong with the exchange, with neither bodies nor addresses in the words."""
        with _ONE_AT_A_TIME:
            self.judged += 1
            asked = list(self.about_request(exchange))
            answered = [] if exchange.answer_is_bent else list(self.about_answer(exchange))
        if ON_PURPOSE.lower() in exchange.headers:
            # whatever is wrong on purpose, the sandbox must not have taken it
            asked = ["a wrong request was taken"] if asked and exchange.status < 300 and not exchange.answer_is_bent else []
        where = f"{exchange.method} {exchange.path} -> {exchange.status}"
        return [f"{where}: {complaint}" for complaint in (*asked, *answered)]

    def about_request(self, exchange: Exchange) -> Iterator[str]:
        revision = exchange.headers.get("revision", "")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", revision) or revision < self.revision:
            yield "the request has no revision header, or an old one"  # openapi-core lets an absent one pass
        for error in self.api.iter_request_errors(Asked(exchange)):
            yield f"the request: {words_of(error)}"

    def about_answer(self, exchange: Exchange) -> Iterator[str]:
        for error in self.api.iter_response_errors(Asked(exchange), Answered(exchange)):
            # what is no endpoint has no description of its answer either; the request was found wrong already
            if not isinstance(error, PathError):
                yield f"the answer: {words_of(error)}"


def mended(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description with each `oneOf` of equal alternatives as `anyOf`.

    Such a `oneOf` refuses every value: the send options of a campaign are three times the same object, and no campaign at
    all could ever be answered.
    """
    found = json.loads(json.dumps(description))
    schemas = found["components"]["schemas"]

    def mend(node: Any) -> None:
        if isinstance(node, dict):
            alternatives = node.get("oneOf")
            if isinstance(alternatives, list):
                resolved = [json.dumps(schemas.get(one.get("$ref", "").rsplit("/", 1)[-1], one)) for one in alternatives]
                if len(set(resolved)) < len(resolved):
                    node["anyOf"] = node.pop("oneOf")
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                mend(one)

    mend(found)
    return found


def words_of(error: BaseException) -> str:
    """The error and what it stems from, without the values that were found."""
    said = [type(error).__name__ + (f" {error}" if isinstance(error, OpenAPIError) and len(str(error)) < 120 else "")]
    for found in getattr(error.__cause__, "schema_errors", None) or getattr(error, "schema_errors", None) or ():
        place = "/".join(str(part) for part in found.absolute_path)
        said.append(f"{found.validator} {found.validator_value if found.validator != 'properties' else ''} at {place}"[:200])
    return "; ".join(said)


@cache
def klaviyo() -> Judge | None:
    """The judge by Klaviyo's description; None where the description is not beside this checkout."""
    if not DESCRIPTION.exists():
        return None
    return Judge(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


def judge(exchange: Exchange) -> list[str]:
    """Judges an exchange with Klaviyo, of no other vendor, and writes complaints down."""
    if exchange.vendor != "klaviyo":
        return []
    found = klaviyo()
    return written_down(found(exchange) if found is not None else [])


def written_down(complaints: list[str]) -> list[str]:
    """Puts complaints into the file that fails the run."""
    if complaints and COMPLAINTS in os.environ:
        with open(os.environ[COMPLAINTS], "a", encoding="utf-8") as file:
            file.writelines(f"{complaint}\n" for complaint in complaints)
    return complaints
