"""Judges what goes between our code and the sandbox's SendGrid by SendGrid's own descriptions of its API, one file a subject."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.templating.paths.exceptions import PathError

from mailhouse.sandbox.judging import Exchange
from tests.python.foreign.openapi_judge import Answered, Asked, Judge, words_of

DESCRIPTIONS = Path(__file__).parents[4] / "shared" / "specs" / "sendgrid"
HOST = "https://api.sendgrid.com"
# answers that every endpoint gives and not every one describes
UNSAID = {
    "400": "a refusal",
    "401": "no valid key",
    "403": "a scope that the key lacks",
    "404": "not there",
    "413": "too large",
    "429": "too many calls",
    "500": "a failure",
}
# GET /v3/scopes is described on the web alone (API Key Permissions) and in none of the files: an object with a list of texts
SCOPES: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "API Key Permissions", "version": "1"},
    "servers": [{"url": HOST}],
    "paths": {
        "/v3/scopes": {
            "get": {
                "responses": {
                    "200": {
                        "description": "the scopes of the key",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["scopes"],
                                    "properties": {"scopes": {"type": "array", "items": {"type": "string"}}},
                                }
                            }
                        },
                    }
                }
            }
        }
    },
}
# what stands for SendGrid's storage in the sandbox is none of its endpoints
FILES = "/files/"


class SendGridJudge(Judge):
    """All the descriptions together; each is read when the first exchange is about it."""

    def __init__(self, folder: Path) -> None:
        self.judged = 0
        self._described = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        self._described["scopes"] = SCOPES
        self._paths = {template: name for name, described in self._described.items() for template in described["paths"]}
        self._apis: dict[str, OpenAPI] = {}

    @property
    def endpoints(self) -> set[str]:
        """Every described endpoint, as `METHOD /path/{name}`."""
        verbs = ("get", "put", "post", "patch", "delete")
        return {
            f"{verb.upper()} {template}"
            for described in self._described.values()
            for template, operations in described["paths"].items()
            for verb in operations
            if verb in verbs
        }

    def about_request(self, exchange: Exchange) -> Iterator[str]:
        api = self._api(exchange.path)
        if api is None:
            yield "the request: there is no such endpoint"
            return
        for error in api.iter_request_errors(self._asked(exchange)):
            yield f"the request: {words_of(error)}"

    def about_answer(self, exchange: Exchange) -> Iterator[str]:
        api = self._api(exchange.path)
        for error in api.iter_response_errors(self._asked(exchange), Answered(exchange)) if api is not None else ():
            if not isinstance(error, PathError):
                yield f"the answer: {words_of(error)}"

    def _asked(self, exchange: Exchange) -> Asked:
        asked = Asked(exchange)
        asked.host_url = HOST
        return asked

    def _api(self, path: str) -> OpenAPI | None:
        fitting = [template for template in self._paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)]
        if not fitting:
            return None
        # the path with the fewest names in it: /contacts/count is no contact called count
        name = self._paths[min(fitting, key=lambda template: template.count("{"))]
        if name not in self._apis:
            self._apis[name] = OpenAPI.from_dict(mended(self._described[name]))
        return self._apis[name]


def mended(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description with what it gets wrong by its own words put right, each by name.

    `nullable` means nothing in the version of OpenAPI that it is written in. The id of a deletion job is called an object; jobs
    are asked about by it. Who is not suppressed is answered {}, which lacks a required name. The id of a dynamic template is no
    UUID. Answers that hold everywhere are described only here and there.
    """
    found = json.loads(json.dumps(description))

    def mend(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("nullable") is True and isinstance(node.get("type"), str):
                node["type"] = [node["type"], "null"]
            if node.get("description") == "The deletion job ID.":
                node["type"] = "string"
            if node.get("description") == "The ID of the transactional template.":
                for constraint in ("minLength", "maxLength", "format"):
                    node.pop(constraint, None)
            if node.get("required") == ["recipient_email"]:
                del node["required"]
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                mend(one)

    mend(found)
    for operations in found["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                for status, words in UNSAID.items():
                    operation["responses"].setdefault(status, {"description": words, "content": {"application/json": {}}})
    return found


@cache
def sendgrid() -> SendGridJudge | None:
    """The judge by SendGrid's descriptions; None where they are not beside this checkout."""
    return SendGridJudge(DESCRIPTIONS) if DESCRIPTIONS.exists() else None


def objections(exchange: Exchange) -> list[str]:
    """What is wrong with an exchange with SendGrid."""
    found = sendgrid()
    return [] if found is None or exchange.path.startswith(FILES) else found(exchange)
