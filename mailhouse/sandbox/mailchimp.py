"""Mailchimp's Marketing API: its routes, credentials, limits and problems."""

import threading
from collections.abc import Callable
from http.client import responses

from mailhouse.sandbox import mailchimp_automations as automations
from mailhouse.sandbox import mailchimp_events as events
from mailhouse.sandbox import mailchimp_interests as interests
from mailhouse.sandbox import mailchimp_merge_fields as merge_fields
from mailhouse.sandbox import mailchimp_reports as reports
from mailhouse.sandbox.auth import basic_password, bearer, same
from mailhouse.sandbox.limits import Window
from mailhouse.sandbox.mailchimp_contacts import Contacts
from mailhouse.sandbox.mailchimp_lists import Lists
from mailhouse.sandbox.mailchimp_members import MEMBER, SEGMENT
from mailhouse.sandbox.mailchimp_segments import Segments
from mailhouse.sandbox.mailchimp_statistics import Statistics
from mailhouse.sandbox.mailchimp_words import PROBLEMS, Problem, not_found, speaking
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.wire import Call, Handler, Reply, Route

ROOT = "/3.0"


class Mailchimp:
    """One account."""

    name = "mailchimp"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.statistics = Statistics(runtime)
        runtime.effects.put[MEMBER] = automations.welcome
        runtime.effects.joined[SEGMENT] = automations.follow_tag
        self._volume = Window(runtime.ticks)
        self._open = 0
        self._lock = threading.Lock()
        lists, contacts, segments = Lists(self.statistics), Contacts(self.statistics), Segments(self.statistics)
        one_list, one_member, one_segment = (
            "/lists/{list_id}",
            "/lists/{list_id}/members/{hash}",
            "/lists/{list_id}/segments/{segment_id}",
        )
        one_field, one_report = "/lists/{list_id}/merge-fields/{merge_id}", "/reports/{campaign_id}"
        reading: list[tuple[str, Handler]] = [
            ("/ping", lambda _: Reply(body={"health_status": "Everything's Chimpy!"})),
            ("/lists", lists.listing),
            (one_list, lists.one),
            (f"{one_list}/abuse-reports", lists.abuse_reports),
            (f"{one_list}/members", contacts.listing),
            (one_member, contacts.one),
            (f"{one_member}/tags", contacts.tags),
            (f"{one_member}/events", events.listing),
            (f"{one_list}/segments", segments.listing),
            (one_segment, segments.one),
            (f"{one_segment}/members", segments.members),
            (f"{one_list}/merge-fields", merge_fields.listing),
            (one_field, merge_fields.one),
            (f"{one_list}/interest-categories", interests.categories),
            (f"{one_list}/interest-categories/{{category_id}}/interests", interests.interests),
            ("/automations", automations.listing),
            ("/campaigns", reports.campaigns),
            ("/campaigns/{campaign_id}", reports.campaign),
            (one_report, reports.report),
            (f"{one_report}/sent-to", reports.sent_to),
            (f"{one_report}/email-activity", reports.email_activity),
            (f"{one_report}/unsubscribed", reports.unsubscribed),
        ]
        writing: list[tuple[str, str, Handler]] = [
            ("POST", one_list, lists.batch),
            ("POST", f"{one_list}/members", contacts.add),
            ("PUT", one_member, contacts.upsert),
            ("PATCH", one_member, contacts.update),
            ("DELETE", one_member, contacts.archive),
            ("POST", f"{one_member}/actions/delete-permanent", contacts.delete_permanently),
            ("POST", f"{one_member}/tags", contacts.change_tags),
            ("POST", f"{one_member}/events", events.add),
            ("POST", f"{one_list}/segments", segments.create),
            ("POST", one_segment, segments.change),
            ("DELETE", one_segment, segments.remove),
            ("POST", f"{one_list}/merge-fields", merge_fields.create),
            ("PATCH", one_field, merge_fields.change),
            ("DELETE", one_field, merge_fields.remove),
        ]
        self.routes = [Route("GET", ROOT + path, speaking(handler)) for path, handler in reading]
        self.routes += [Route(method, ROOT + path, speaking(handler), writes=True) for method, path, handler in writing]

    def describe(self, _: Call) -> tuple[str, bool | None]:
        return "", None

    def enter(self, call: Call) -> Callable[[], None]:
        """Counts the connections that are open at once; what is returned closes this one."""
        with self._lock:
            self._open += 1
            call.connections = self._open

        def leave() -> None:
            with self._lock:
                self._open -= 1

        return leave

    def authenticate(self, call: Call) -> Reply | None:
        header = call.headers.get("authorization", "")
        if not header:
            return Problem(401, "API Key Missing", "Your request did not include an API key.").reply()
        if same(basic_password(header) or bearer(header), self.runtime.secrets["mailchimp"]["api_key"]):
            return None
        detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
        return Problem(401, "API Key Invalid", detail).reply()

    def admit(self, call: Call) -> Reply | None:
        limits = self.runtime.limits["mailchimp"]
        if call.connections > limits["connections"]:
            return self.refuse(429)
        if limits["calls_per_minute"] is not None and self._volume.take(limits["calls_per_minute"], 60.0) is None:
            return Reply(403, b"")
        provoked = call.headers.get("x-trigger-error")
        if provoked in PROBLEMS:
            status, title = PROBLEMS[provoked]
            return Problem(status, title, f"This error was asked for with X-Trigger-Error: {provoked}.").reply()
        return None

    def stamp(self, call: Call, reply: Reply) -> None:
        """Mailchimp adds nothing."""

    def refuse(self, status: int) -> Reply:
        details = {
            400: ("JSON Parse Error", "We encountered an unspecified JSON parsing error."),
            401: ("API Key Invalid", "Your API key may be invalid, or you've attempted to access the wrong datacenter."),
            405: ("Method Not Allowed", "The requested method and resource are not compatible."),
            429: (
                "Too Many Requests",
                f"You have exceeded the limit of {self.runtime.limits['mailchimp']['connections']} connections.",
            ),
            500: ("Internal Server Error", "An unexpected internal error occurred."),
        }
        if status == 404:
            return not_found().reply()
        title, detail = details.get(status) or (responses.get(status, "Error"), "The call was refused.")
        return Problem(status, title, detail).reply()
