"""HubSpot's API: its routes, credentials and limits; what it does is in the files beside."""

from functools import partial

from mailhouse.sandbox import hubspot_events, hubspot_lists, hubspot_mail, hubspot_preferences, hubspot_properties
from mailhouse.sandbox.auth import bearer, same
from mailhouse.sandbox.hubspot_contacts import batch_upsert, merge
from mailhouse.sandbox.hubspot_objects import CONTACTS, TYPES, Type, archive, batch_read, listing, one, search
from mailhouse.sandbox.hubspot_privacy import gdpr_delete
from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.limits import Window
from mailhouse.sandbox.oauth import OAuth
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.wire import Call, Reply, Route

PRIVATE_APP = "/oauth/v2/private-apps/get/access-token-info"
SCOPES = (
    *("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read"),
    *("crm.schemas.contacts.write", "crm.lists.read", "crm.lists.write", "crm.objects.companies.read"),
    *("crm.objects.deals.read", "tickets", "communication_preferences.read_write", "content", "marketing-email"),
)


class HubSpot:
    """One portal."""

    name = "hubspot"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._burst, self._search, self._day = (Window(runtime.ticks) for _ in range(3))
        self.routes = [route for of in TYPES for route in _record_routes(of)]
        self.routes += hubspot_properties.routes() + hubspot_lists.routes() + hubspot_preferences.routes()
        self.routes += hubspot_mail.routes() + hubspot_events.routes()
        self.oauth = OAuth(runtime, self.name)
        self.routes += [
            Route("GET", "/oauth/authorize", self.oauth.authorize),
            Route("POST", "/oauth/{version}/token", self.oauth.token),
            Route("POST", PRIVATE_APP, self.token_info),
        ]

    def describe(self, _: Call) -> tuple[str, bool | None]:
        return "", None

    def authenticate(self, call: Call) -> Reply | None:
        # whoever asks for a token has none yet
        if call.path.startswith("/oauth/") and call.template != PRIVATE_APP:
            return None
        given = bearer(call.headers.get("authorization", ""))
        if same(given, self.runtime.secrets["hubspot"]["token"]) or self.oauth.admits(given):
            return None
        return refusal(401, "Authentication credentials not found or not valid for this portal.", "INVALID_AUTHENTICATION")

    def token_info(self, call: Call) -> Reply:
        """POST access-token-info: what a token allows, a private app's everything that `hubspot.scopes` of the state says."""
        given = call.json()
        token = str(given.get("tokenKey", "")) if isinstance(given, dict) else ""
        if same(token, self.runtime.secrets["hubspot"]["token"]):
            scopes = self.runtime.store.meta_get("hubspot.scopes") or list(SCOPES)
        else:
            granted = self.oauth.scopes_of(token)
            if granted is None:
                return refusal(400, "The token is not known.", "VALIDATION_ERROR")
            scopes = granted
        return Reply(200, {"userId": 1, "hubId": 1, "appId": 1, "scopes": scopes}, rows=1)

    def admit(self, call: Call) -> Reply | None:
        limits = self.runtime.limits["hubspot"]
        if call.template.endswith("/search"):
            if self._search.take(limits["searches_per_second"], 1.0) is None:
                return self._too_many("SECONDLY", "You have reached your secondly limit.")
            return None
        if self._burst.take(limits["calls"], limits["seconds"]) is None:
            return self._too_many("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        if self._day.take(limits["calls_per_day"], 86_400.0) is None:
            return self._too_many("DAILY", "You have reached your daily limit.")
        return None

    def _too_many(self, policy: str, message: str) -> Reply:
        return refusal(429, message, "RATE_LIMITS", errorType="RATE_LIMIT", policyName=policy)

    def stamp(self, call: Call, reply: Reply) -> None:
        # search answers carry no rate limit headers
        if reply.status == 401 or call.template.endswith("/search"):
            return
        limits = self.runtime.limits["hubspot"]
        left, left_today = self._burst.left(limits["calls"], limits["seconds"]), self._day.left(limits["calls_per_day"], 86_400.0)
        reply.headers |= {
            "X-HubSpot-RateLimit-Max": str(limits["calls"]),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(limits["seconds"] * 1000)),
            "X-HubSpot-RateLimit-Daily": str(limits["calls_per_day"]),
            "X-HubSpot-RateLimit-Daily-Remaining": str(left_today),
        }

    def refuse(self, status: int) -> Reply:
        if status == 429:
            return self._too_many("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        words = {
            400: ("Invalid input JSON: the body cannot be read.", "VALIDATION_ERROR"),
            401: ("Authentication credentials not found or not valid for this portal.", "INVALID_AUTHENTICATION"),
            403: ("This app has no access to the scope.", "MISSING_SCOPES"),
            404: ("resource not found", "OBJECT_NOT_FOUND"),
            405: ("Method not allowed.", "METHOD_NOT_ALLOWED"),
        }
        return refusal(status, *words.get(status, ("internal error", "INTERNAL_ERROR")))


def _record_routes(of: Type) -> list[Route]:
    """The paths of one type of record, in the dated form and in that of v3."""
    found = []
    for records in (f"/crm/objects/{{version}}/{of.word}", f"/crm/{{version}}/objects/{of.word}"):
        found += [
            Route("GET", records, partial(listing, of)),
            Route("POST", f"{records}/search", partial(search, of)),
            Route("POST", f"{records}/batch/read", partial(batch_read, of)),
        ]
        if of is CONTACTS:
            found += [
                Route("POST", f"{records}/batch/upsert", batch_upsert, writes=True),
                Route("POST", f"{records}/merge", merge, writes=True),
                Route("POST", f"{records}/gdpr-delete", gdpr_delete, writes=True),
            ]
        found += [
            Route("GET", records + "/{record_id}", partial(one, of)),
            Route("DELETE", records + "/{record_id}", partial(archive, of), writes=True),
        ]
    return found
