"""The scopes of SendGrid's API key: told by /v3/scopes, and needed by the reads that have one of their own."""

from mailhouse.sandbox.sendgrid_words import Refused
from mailhouse.sandbox.wire import Call, Reply

PATH = "/v3/scopes"
# of the state: a list of names, everything below where it says nothing
GRANTED = "sendgrid.scopes"
_LISTS = ("blocks", "bounces", "invalid_emails", "spam_reports", "unsubscribes")
_VERBS = ("create", "delete", "read", "update")
SCOPES = (
    *(f"asm.groups.{verb}" for verb in _VERBS),
    *(f"asm.groups.suppressions.{verb}" for verb in _VERBS),
    *(f"asm.suppressions.global.{verb}" for verb in _VERBS),
    *("mail.send", "marketing.automation.read", "marketing.read"),
    *("recipients.erasejob.create", "recipients.erasejob.read"),
    *(f"suppression.{verb}" for verb in _VERBS),
    *(f"suppression.{name}.{verb}" for name in _LISTS for verb in _VERBS),
    *(f"templates.{verb}" for verb in _VERBS),
)
_BY_PATH = {
    "/v3/asm/groups": ("asm.groups.read",),
    "/v3/asm/suppressions": ("asm.groups.suppressions.read",),
    "/v3/templates": ("templates.read",),
    **{f"/v3/suppression/{name}": (f"suppression.{name}.read", "suppression.read") for name in _LISTS},
}


def scopes_of(call: Call) -> list[str]:
    """What the key may do."""
    return sorted(call.runtime.store.meta_get(GRANTED) or SCOPES)


def scopes(call: Call) -> Reply:
    """GET scopes: those of the key that asks."""
    found = scopes_of(call)
    return Reply(body={"scopes": found}, rows=len(found))


def refusal(call: Call) -> Reply | None:
    """403 for a GET that none of the key's scopes allows; of writes only some have names that are published."""
    if call.method != "GET" or call.template == PATH:
        return None
    enough = ("marketing.read",) if call.template.startswith("/v3/marketing/") else _BY_PATH.get(call.template, ())
    return Refused(403).reply() if enough and set(enough).isdisjoint(scopes_of(call)) else None
