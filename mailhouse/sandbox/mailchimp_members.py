"""Members of a Mailchimp list: what they look like, and the rules by which one is added or changed."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from mailhouse.sandbox.mailchimp_interests import ids_of, shown_interests
from mailhouse.sandbox.mailchimp_merge_fields import FieldRefused, check_required, fields_of, fitted
from mailhouse.sandbox.mailchimp_words import Problem, hash_of, shown
from mailhouse.sandbox.store import Row, Store, stamp

MEMBER = "mailchimp.member"
SEGMENT = "mailchimp.segment"
FORGOTTEN = "mailchimp.forgotten"
STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
IN_COMPLIANCE_STATE = ("unsubscribed", "cleaned")
ADDRESS = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s,;<>()\".]{2,}")
TIMES = ("timestamp_signup", "timestamp_opt", "last_changed")
PLAIN = ("language", "vip", "ip_signup", "ip_opt", "timestamp_signup", "timestamp_opt", "location", "email_type", "interests")


class MemberRefused(Exception):
    """One member cannot be written; `title` is Mailchimp's name for the reason."""

    def __init__(self, title: str, detail: str, code: str = "ERROR_GENERIC", field: str = "", message: str = "") -> None:
        super().__init__(detail)
        self.title, self.detail, self.code, self.field, self.message = title, detail, code, field, message

    def problem(self) -> Problem:
        """As the answer to a call about this member alone."""
        return Problem(400, self.title, self.detail, [{"field": self.field, "message": self.message}] if self.field else None)

    def row(self, email: Any) -> dict[str, Any]:
        """As one of the errors of a batch."""
        return {
            "email_address": email if isinstance(email, str) else "",
            "error": self.detail,
            "error_code": self.code,
            "field": self.field,
            "field_message": self.message,
        }


class Members:
    """The members of one list during one call, with what the list knows about fields and tags."""

    def __init__(self, store: Store, list_id: str) -> None:
        self.store, self.list_id = store, list_id
        self.fields = fields_of(store, list_id)
        self.now = stamp(store.now())
        self._segments: dict[str, str] | None = None

    # -- reading ----------------------------------------------------------------------------------------------------
    def segments(self) -> dict[str, str]:
        """Names of the list's tags by segment id."""
        if self._segments is None:
            self._segments = {row.id: row.body["name"] for row in self.store.page(SEGMENT, parent=self.list_id, limit=100_000)}
        return self._segments

    def get(self, member_id: str) -> Row | None:
        return self.store.get(MEMBER, member_id, self.list_id)

    def json(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Members as Mailchimp shows them, tags and interests included."""
        rows = list(rows)
        names, carried = self.segments(), self.store.tags_of(self.list_id, [row.id for row in rows])
        blank, interests = {field["tag"]: "" for field in self.fields}, ids_of(self.store, self.list_id)
        answers = []
        for row in rows:
            tags = [{"id": int(segment), "name": names[segment]} for segment in carried.get(row.id, ()) if segment in names]
            body = {**row.body, "merge_fields": blank | (row.body.get("merge_fields") or {})}
            for name in TIMES:
                body[name] = shown(body.get(name))
            body["interests"] = shown_interests(interests, body)
            answers.append({**body, "list_id": self.list_id, "tags_count": len(tags), "tags": tags})
        return answers

    # -- writing ----------------------------------------------------------------------------------------------------
    def write(
        self, given: dict[str, Any], old: Row | None, *, merge_validation: bool = True, new_status: str = "status_if_new"
    ) -> Row:
        """The row to be put for what was given; raises MemberRefused. `old` may be an archived member.

        The status of a member who is there stays, unless `status` itself was given.
        """
        email = str(given.get("email_address") or (old.body["email_address"] if old else ""))
        if not ADDRESS.fullmatch(email) or len(email.encode()) > 254:
            message = "Please provide a valid email address."
            raise MemberRefused("Invalid Resource", message, field="email_address", message=message)
        member_id = hash_of(email)
        if self.store.get(FORGOTTEN, member_id, self.list_id) is not None:
            raise MemberRefused(
                "Forgotten Email Not Subscribed",
                f"{email} was permanently deleted and cannot be re-imported."
                " The contact must re-subscribe to get back on the list.",
            )
        there = old is not None and old.body["status"] != "archived"
        status = self._status(given, old if there else None, email, new_status)
        body = dict(old.body) if old else self._fresh(email, member_id)
        body |= {"id": member_id, "email_address": email, "status": status}
        body |= {name: given[name] for name in PLAIN if given.get(name) not in (None, "")}
        for name in ("timestamp_signup", "timestamp_opt"):
            if given.get(name):
                try:
                    body[name] = stamp(str(given[name]))
                except ValueError:
                    raise MemberRefused("Invalid Resource", f"{name} is not a time.", field=name, message="Not a time") from None
        body["merge_fields"] = self._merge_fields(given, body.get("merge_fields") or {}, there, merge_validation)
        body["full_name"] = " ".join(str(body["merge_fields"].get(tag) or "") for tag in ("FNAME", "LNAME")).strip()
        if status == "subscribed" and not body.get("timestamp_opt"):
            body["timestamp_opt"] = self.now
        if old is None or body != old.body:
            body["last_changed"] = self.now
        return Row(member_id, body, body["last_changed"], old.created_at if old else self.now, self.list_id, email.lower())

    def _status(self, given: dict[str, Any], current: Row | None, email: str, new_status: str) -> str:
        asked = given.get("status")
        if current is None:
            asked = asked or given.get(new_status)
            if not asked:
                raise MemberRefused("Invalid Resource", "A new member needs a status.", field="status", message="Missing value")
        if asked is not None and asked not in STATUSES:
            raise MemberRefused("Invalid Resource", "The status is not known.", field="status", message=f"One of {STATUSES}")
        if current is None:
            return asked
        before = current.body["status"]
        if asked == "subscribed" and before in IN_COMPLIANCE_STATE:
            raise MemberRefused(
                "Member In Compliance State",
                f"{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.",
            )
        return asked or before

    def _merge_fields(self, given: dict[str, Any], before: dict[str, Any], there: bool, validate: bool) -> dict[str, Any]:
        wanted = given.get("merge_fields")
        if wanted is not None and not isinstance(wanted, dict):
            raise MemberRefused(
                "Invalid Resource", "Your merge fields were invalid.", field="merge_fields", message="Not an object"
            )
        try:
            values = before | fitted(self.fields, wanted or {})
            if validate and (wanted is not None or not there):
                check_required(self.fields, values)
        except FieldRefused as refused:
            detail = "Your merge fields were invalid."
            raise MemberRefused("Invalid Resource", detail, field=refused.tag, message=refused.message) from refused
        return values

    def _fresh(self, email: str, member_id: str) -> dict[str, Any]:
        mark = hashlib.sha256(f"{self.list_id}/{member_id}".encode()).hexdigest()
        return {
            "id": member_id,
            "email_address": email,
            "contact_id": mark[:32],
            "unique_email_id": mark[32:42],
            "email_type": "html",
            "merge_fields": {},
            "timestamp_signup": None,
            "timestamp_opt": None,
            "ip_signup": "",
            "ip_opt": "",
            "language": "",
            "vip": False,
            "source": "API - Generic",
            "location": {"country_code": ""},
        }

    def tag_ids(self, names: Iterable[str]) -> list[str]:
        """The segments of tags by name; those that are not there yet are made."""
        known = {name: segment for segment, name in self.segments().items()}
        ids = []
        for name in names:
            if name not in known:
                known[name] = self.create_segment(name).id
            ids.append(known[name])
        return ids

    def create_segment(self, name: str) -> Row:
        """A new tag without members."""
        number = max((int(segment) for segment in self.segments()), default=10_000) + 1
        body = {"id": number, "name": name, "type": "static", "created_at": self.now, "updated_at": self.now}
        row = Row(str(number), body, self.now, parent=self.list_id)
        self.store.put(SEGMENT, row)
        self.segments()[row.id] = name
        return row


def tag_names(given: Any) -> list[str]:
    """The names of `tags`, given as texts or as objects with a name; raises MemberRefused."""
    names = [tag.get("name") if isinstance(tag, dict) else tag for tag in given or ()]
    if not all(isinstance(name, str) and name and len(name) <= 100 for name in names):
        raise MemberRefused("Invalid Resource", "A tag must be a name.", field="tags", message="Schema describes string")
    return names
