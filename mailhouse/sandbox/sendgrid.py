"""SendGrid's API: its routes, credentials and limits."""

import math
import time

from mailhouse.sandbox.auth import bearer, same
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.limits import FixedWindows
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.sendgrid_contacts import DELETE, UPSERT, Contacts
from mailhouse.sandbox.sendgrid_exports import EXPORT, Exports
from mailhouse.sandbox.sendgrid_fields import Fields
from mailhouse.sandbox.sendgrid_files import Files
from mailhouse.sandbox.sendgrid_lists import REMOVE, Lists
from mailhouse.sandbox.sendgrid_mail import Mail
from mailhouse.sandbox.sendgrid_scopes import PATH, refusal, scopes
from mailhouse.sandbox.sendgrid_suppressions import LISTS, Suppressions
from mailhouse.sandbox.sendgrid_words import FILES, Refused, identifier, speaking
from mailhouse.sandbox.wire import Call, Handler, Reply, Route

ERASURE = "/v3/recipients/erasejob"
WINDOW = 60.0


class SendGrid:
    """One account."""

    name = "sendgrid"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.windows: dict[str, FixedWindows] = {}
        store = runtime.store
        self.jobs = jobs = Jobs(runtime, self.name, lambda _, number: identifier(f"job:{number}"))
        runtime.settlers.append(jobs.settle)
        files = Files(runtime)
        contacts, exports, lists = Contacts(store, jobs, files), Exports(store, jobs, files), Lists(store, jobs)
        fields, suppressions, mail = Fields(store), Suppressions(store), Mail(store)
        jobs.workers = {
            UPSERT: contacts.work_upsert,
            DELETE: contacts.work_delete,
            REMOVE: lists.work_remove,
            EXPORT: exports.work,
        }
        all_contacts, one_list = "/v3/marketing/contacts", "/v3/marketing/lists/{id}"
        one_group, global_ = "/v3/asm/groups/{group_id}", "/v3/asm/suppressions/global"
        definitions = "/v3/marketing/field_definitions"
        # a POST that only looks something up changes nothing
        reading: list[tuple[str, str, Handler]] = [
            ("GET", all_contacts, contacts.sample),
            ("GET", f"{all_contacts}/count", contacts.count),
            ("GET", f"{all_contacts}/exports", exports.listing),
            ("GET", f"{all_contacts}/exports/{{id}}", exports.one),
            ("GET", f"{all_contacts}/imports/{{id}}", contacts.job),
            ("GET", f"{all_contacts}/{{id}}", contacts.one),
            ("POST", f"{all_contacts}/batch", contacts.batch),
            ("POST", f"{all_contacts}/exports", exports.create),
            ("POST", f"{all_contacts}/search", contacts.search),
            ("POST", f"{all_contacts}/search/emails", contacts.by_emails),
            ("GET", "/v3/marketing/lists", lists.listing),
            ("GET", one_list, lists.one),
            ("GET", f"{one_list}/contacts/count", lists.count),
            ("GET", definitions, fields.listing),
            ("GET", "/v3/asm/groups", suppressions.groups),
            ("GET", one_group, suppressions.group),
            ("GET", f"{one_group}/suppressions", suppressions.of_group),
            ("POST", f"{one_group}/suppressions/search", suppressions.search_group),
            ("GET", "/v3/asm/suppressions", suppressions.of_all_groups),
            ("GET", f"{global_}/{{email}}", suppressions.is_suppressed_globally),
            ("GET", "/v3/asm/suppressions/{email}", suppressions.groups_left),
            ("GET", "/v3/marketing/singlesends", mail.single_sends),
            ("GET", "/v3/marketing/stats/singlesends", mail.stats),
            ("GET", PATH, scopes),
            ("GET", "/v3/templates", mail.templates),
            ("GET", "/v3/templates/{template_id}", mail.template),
            ("GET", f"{FILES}{{id}}/{{name}}", files.serve),
        ]
        writing: list[tuple[str, str, Handler]] = [
            ("PUT", all_contacts, contacts.upsert),
            ("DELETE", all_contacts, contacts.delete),
            ("POST", "/v3/marketing/lists", lists.create),
            ("PATCH", one_list, lists.rename),
            ("DELETE", one_list, lists.delete),
            ("DELETE", f"{one_list}/contacts", lists.take_off),
            ("POST", definitions, fields.create),
            ("DELETE", f"{definitions}/{{custom_field_id}}", fields.remove),
            ("POST", "/v3/asm/groups", suppressions.create_group),
            ("DELETE", one_group, suppressions.delete_group),
            ("POST", f"{one_group}/suppressions", suppressions.suppress_in_group),
            ("DELETE", f"{one_group}/suppressions/{{email}}", suppressions.lift_in_group),
            ("POST", global_, suppressions.suppress_globally),
            ("DELETE", f"{global_}/{{email}}", suppressions.lift("unsubscribes")),
            ("POST", "/v3/mail/send", mail.send),
            ("POST", ERASURE, mail.erase),
        ]
        for name in LISTS:
            reading.append(("GET", f"/v3/suppression/{name}", suppressions.listing(name)))
            if name != "unsubscribes":
                reading.append(("GET", f"/v3/suppression/{name}/{{email}}", suppressions.one(name)))
                writing.append(("DELETE", f"/v3/suppression/{name}/{{email}}", suppressions.lift(name)))
        self.routes = [Route(method, path, speaking(handler)) for method, path, handler in reading]
        self.routes += [Route(method, path, speaking(handler), writes=True) for method, path, handler in writing]

    def describe(self, _: Call) -> tuple[str, bool | None]:
        return "", None

    def authenticate(self, call: Call) -> Reply | None:
        """A key for everything but files, whose address is the key; then the scopes of the key."""
        if call.path.startswith(FILES):
            return None
        if same(bearer(call.headers.get("authorization", "")), self.runtime.secrets["sendgrid"]["api_key"]):
            return refusal(call)
        return Refused(401).reply()

    def admit(self, call: Call) -> Reply | None:
        """Counts the call in the window of its endpoint; what is due of the jobs is done first."""
        self.jobs.settle()
        if call.path.startswith(FILES):
            return None
        wait = self._window(call).take({WINDOW: self._most(call)})
        return None if wait is None else self.refuse(429)

    def stamp(self, call: Call, reply: Reply) -> None:
        """Every answer says how many calls are left, and when the window ends: the epoch's seconds, and no Retry-After."""
        if call.path.startswith(FILES):
            return
        left, seconds = self._window(call).left(WINDOW, self._most(call))
        reply.headers["X-RateLimit-Limit"] = str(self._most(call))
        reply.headers["X-RateLimit-Remaining"] = str(left)
        reply.headers["X-RateLimit-Reset"] = str(math.ceil(time.time() + seconds))

    def refuse(self, status: int) -> Reply:
        reply = Refused(status).reply()
        if status == 429:
            # a refusal on order has no window: it ends in a second
            reply.headers["X-RateLimit-Reset"] = str(math.ceil(time.time()) + 1)
        return reply

    def _window(self, call: Call) -> FixedWindows:
        return self.windows.setdefault(f"{call.method} {call.template}", FixedWindows(self.runtime.ticks))

    def _most(self, call: Call) -> int:
        limits = self.runtime.limits[self.name]
        return limits["erasures_per_minute"] if call.template == ERASURE else limits["calls_per_minute"]
