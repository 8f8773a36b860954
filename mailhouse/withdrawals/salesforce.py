"""Salesforce: the contacts and leads of an address are opted out of mail, 200 records a call."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, Limits, OutcomeUnknown, redacted
from mailhouse.settings import Connection
from mailhouse.vendors.salesforce_grant import LIMIT_EXCEEDED, TOKEN, asked_grant, secret_name
from mailhouse.vendors.salesforce_queries import API_VERSION, in_list, moment
from mailhouse.withdrawals.base import ALREADY_SET, READ_BACK, UNKNOWN_THERE, Told, Withdrawal
from mailhouse.withdrawals.lane import RightOfWay

# Salesforce limits the calls of a day and of long runners, not of a second: our own choice
LIMITS = Limits(connections=4, rate=10.0, burst=5, timeout=60.0, throttle_word=LIMIT_EXCEEDED)
RECORDS = 200  # that one call may change
ADDRESSES = 100  # that one query names: its address on the line may have 16,000 characters
FLAG = "HasOptedOutOfEmail"
PEOPLE = {"Contact": "", "Lead": " AND IsConverted = false"}  # a converted lead takes no change any more
GONE = ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "CANNOT_UPDATE_CONVERTED_LEAD")
Record = Mapping[str, Any]


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["SalesforceWriter"]:
    """The org of one connection, open for the time of the block. Raises CredentialsMissing, CredentialsRejected."""
    async with opened(connection, clock) as records:
        yield SalesforceWriter(records)


@asynccontextmanager
async def opened(connection: Connection, clock: Clock) -> AsyncIterator["Records"]:
    """The records of the org, with a fresh session. Raises CredentialsMissing, CredentialsRejected."""
    token = await granted(connection, clock)
    async with HttpClient.of(connection, LIMITS, clock, headers=_headers(token), secrets=(token,)) as client:
        yield Records(RightOfWay(client), connection)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def granted(connection: Connection, clock: Clock) -> str:
    """A fresh session. Raises CredentialsMissing, CredentialsRejected, VendorUnreachable."""
    form = urlencode(asked_grant(connection, clock.now() + timedelta(minutes=3))).encode()
    media, secrets = "application/x-www-form-urlencoded", (connection.secret(secret_name(connection)),)
    async with HttpClient.of(connection, LIMITS, clock, headers={}, secrets=secrets, media_type=media) as client:
        try:
            answer = await RightOfWay(client).write("POST", TOKEN, TOKEN, form)
        except OutcomeUnknown as unknown:
            raise VendorUnreachable(f"{connection.id}: asking for a session was not answered; run again later") from unknown
    token = answer.body.get("access_token") if isinstance(answer.body, Mapping) else None
    if not isinstance(token, str):
        raise CredentialsRejected(
            f"{connection.id}: Salesforce grants no session ({answer.status}); check the app and its secret"
        )
    return token


class Records:
    """Queries on one org, and changes of records of any kind."""

    def __init__(self, client: RightOfWay, connection: Connection) -> None:
        self.client = client
        self.data = f"/services/data/v{connection.settings.get('api_version', API_VERSION)}"

    async def query(self, soql: str, *, deleted: bool = False) -> list[Record]:
        """All records of a query. Raises MalformedAnswer, VendorUnreachable, CredentialsRejected."""
        path, asked = f"{self.data}/{'queryAll' if deleted else 'query'}", {"q": soql}
        found: list[Record] = []
        while True:
            answer = await self.client.read(path, "/query", asked)
            records = answer.body.get("records") if isinstance(answer.body, Mapping) else None
            if answer.status != 200 or not isinstance(records, list):
                raise MalformedAnswer(f"{self.client.name}: query: {self.client.detail(answer)}; run again later")
            found += records
            following = answer.body.get("nextRecordsUrl")
            if following is None:
                return found
            if not isinstance(following, str) or not following.startswith(f"{self.data}/query/"):
                raise MalformedAnswer(f"{self.client.name}: query: a next page that leads nowhere; run again later")
            path, asked = following, {}

    async def of_addresses(self, addresses: Sequence[str], fields: str, *, deleted: bool = False) -> dict[str, list[Record]]:
        """The contacts and leads by address in lower case, each with its object under `attributes.type`."""
        found: dict[str, list[Record]] = {}
        for start in range(0, len(addresses), ADDRESSES):
            named = in_list(addresses[start : start + ADDRESSES])
            for kind, only in PEOPLE.items():
                soql = f"SELECT Id, Email, {fields} FROM {kind} WHERE Email IN {named}{'' if deleted else only}"
                for record in await self.query(soql, deleted=deleted):
                    found.setdefault(str(record.get("Email", "")).lower(), []).append(record)
        return found

    async def change(self, records: Sequence[Record]) -> list[Record]:
        """Change up to 200 records; the outcome of each, in order. Raises OutcomeUnknown, MalformedAnswer."""
        path, body = f"{self.data}/composite/sobjects", {"allOrNone": False, "records": list(records)}
        answer = await self.client.write("PATCH", path, "/composite/sobjects", body)
        if answer.status != 200 or not isinstance(answer.body, list) or len(answer.body) != len(records):
            raise MalformedAnswer(f"{self.client.name}: composite/sobjects: {self.client.detail(answer)}; run again later")
        return answer.body


class SalesforceWriter:
    """Implements `Writer` for one org: every record of an address is opted out, contacts and leads."""

    batch = RECORDS
    lanes = 2
    # a record shows that it has opted out, not since when
    is_dated = False

    def __init__(self, records: Records) -> None:
        self._records = records

    def counts(self) -> Mapping[str, int]:
        return self._records.client.counts()

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        # the records of an address are looked for when it is told in any case
        return list(unseen), []

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        there = await self._records.of_addresses([one.address for one in batch], FLAG)
        open_ones = [record for records in there.values() for record in records if not record.get(FLAG)]
        errors: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(open_ones), RECORDS):
            part = open_ones[start : start + RECORDS]
            for record, outcome in zip(part, await self._records.change([_opted_out(one) for one in part]), strict=True):
                if not outcome.get("success"):
                    errors[str(record["Id"])] = (outcome.get("errors") or [{}])[0]
        return [self._outcome(one, there.get(one.address.lower(), []), errors) for one in batch]

    def _outcome(self, one: Withdrawal, records: Sequence[Record], errors: Mapping[str, Mapping[str, Any]]) -> Told:
        refused = [errors[str(record["Id"])] for record in records if str(record["Id"]) in errors]
        real = [error for error in refused if error.get("statusCode") not in GONE]
        if real:
            code = str(real[0].get("statusCode") or "refused").lower()
            return Told(one, "rejected", code, redacted(str(real[0].get("message", "refused"))))
        if len(refused) == len(records):
            return Told(one, "accepted", UNKNOWN_THERE)
        return Told(one, "accepted", ALREADY_SET if all(record.get(FLAG) for record in records) else "")

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        there = await self._records.of_addresses([one.address for one in batch], FLAG)
        told = []
        for one in batch:
            records = there.get(one.address.lower(), [])
            if not records:
                told.append(Told(one, "accepted", UNKNOWN_THERE))
            else:
                told.append(Told(one, "accepted", READ_BACK) if all(each.get(FLAG) for each in records) else Told(one, "unknown"))
        return told

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:
        """By the org's field history. Where it does not track the flag nothing is known, and a refusal counts as its own."""
        there = await self._records.of_addresses(addresses, FLAG)
        opted_out = {str(one["Id"]): one for records in there.values() for one in records if one.get(FLAG)}
        set_at = {}
        for kind in PEOPLE:
            set_at |= await self._set_at(kind, [record for record, one in opted_out.items() if _kind(one) == kind])
        since = {}
        for address in addresses:
            ids = [str(one["Id"]) for one in there.get(address.lower(), []) if one.get(FLAG)]
            if ids and all(one in set_at for one in ids):
                since[address] = max(set_at[one] for one in ids)
        return since

    async def _set_at(self, kind: str, ids: Sequence[str]) -> dict[str, datetime]:
        """When the flag of each record was last set, of those whose history says so."""
        found: dict[str, datetime] = {}
        for start in range(0, len(ids), ADDRESSES):
            where = f"Field = '{FLAG}' AND {kind}Id IN {in_list(ids[start : start + ADDRESSES])}"
            soql = f"SELECT {kind}Id, NewValue, CreatedDate FROM {kind}History WHERE {where} ORDER BY CreatedDate"
            for entry in await self._records.query(soql):
                if str(entry.get("NewValue")).lower() == "true":
                    found[str(entry.get(f"{kind}Id"))] = moment(self._records.client.name, entry.get("CreatedDate"))
        return found


def _opted_out(record: Record) -> dict[str, Any]:
    return {"attributes": {"type": _kind(record)}, "id": record["Id"], FLAG: True}


def _kind(record: Record) -> str:
    return str((record.get("attributes") or {}).get("type", ""))
