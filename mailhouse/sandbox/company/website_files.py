"""The website's events as files, one a day, in the sandbox's folder: what Segment would leave in a company's bucket."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from mailhouse.sandbox.company import truth
from mailhouse.sandbox.company.state import load
from mailhouse.sandbox.company.website import Visitor, Ware, is_visitor
from mailhouse.sandbox.store import Store, stamp

FOLDER = "segment"
DAYS_OF_HISTORY = 30


def write_history(store: Store, truth_path: Path, folder: Path) -> int:
    """The month before the company's present, in place of what was there; how many events."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jsonl.gz"):
        old.unlink()
    now = store.now()
    return write_days(store, truth_path, folder, now - timedelta(days=DAYS_OF_HISTORY), now)


def write_days(store: Store, truth_path: Path, folder: Path, start: datetime, end: datetime) -> int:
    """One file for each whole day from `start` until `end` (UTC); written again, a file is the same. How many events."""
    folder.mkdir(parents=True, exist_ok=True)
    seed = load(store).seed
    with truth.opened(truth_path) as connection:
        people = truth.all_people(connection)
        bought = {
            record: person
            for person, records in truth.records_of(connection).items()
            for source, record in records
            if source == "shopify"
        }
    visitors = [(person, people[(number + 1) % len(people)]) for number, person in enumerate(people) if is_visitor(seed, person)]
    wares, written = _wares(store), 0
    while start < end:
        orders = _orders(store, bought, start, start + timedelta(days=1))
        day = [
            event
            for person, other in visitors
            for event in Visitor(seed, person, other, start).day(wares, orders.get(person.person_id, []))
        ]
        day.sort(key=lambda event: (event["timestamp"], event["messageId"]))
        content = b"".join(orjson.dumps(event) + b"\n" for event in day)
        (folder / f"{start:%Y-%m-%d}.jsonl.gz").write_bytes(gzip.compress(content, mtime=0))
        written += len(day)
        start += timedelta(days=1)
    return written


def _orders(store: Store, bought: dict[str, str], start: datetime, end: datetime) -> dict[str, list[dict[str, Any]]]:
    """The shop's orders of one day by who placed them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for body in _bodies(store, "shopify.order", "and created_at >= ? and created_at < ?", stamp(start), stamp(end)):
        person = bought.get(body.get("customerId") or "")
        if person is not None and not body.get("test"):
            found.setdefault(person, []).append(body)
    return found


def _wares(store: Store) -> list[Ware]:
    return [
        Ware(body["id"], variant.get("sku") or "", body["title"], variant["price"])
        for body in _bodies(store, "shopify.product", "order by id limit 200")
        for variant in body.get("variants", [])[:1]
    ]


def _bodies(store: Store, kind: str, condition: str, *values: str) -> Iterator[dict[str, Any]]:
    for (body,) in store.query(f"select body from object where kind = ? and deleted = 0 {condition}", (kind, *values)):
        yield json.loads(body)
