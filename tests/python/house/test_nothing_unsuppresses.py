"""No word in what we ship could take back a no: who said it can only be asked again by their own act."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# the sandbox answers what we must never ask, and is no client
CLIENTS = [
    path
    for folder in ("mailhouse", "ingestion", "flows")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "sandbox" not in path.relative_to(ROOT).parts
]
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in CLIENTS}


# an erasure deletes a member for good, and its tombstone remembers what Mailchimp then cannot
ERASURE = "mailhouse/privacy/vendors/mailchimp.py"


def words(tree: ast.AST) -> list[str]:
    """Every text that may go over the wire: strings and the fixed parts of composed ones, without docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node, clean=False)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize(
    ("verb", "pattern"),
    [
        ("Klaviyo subscribes, and lifts suppressions as it does", r"subscription-bulk-create"),
        ("Klaviyo unsuppresses", r"suppression-bulk-delete"),
        ("HubSpot subscribes", r"/(re)?subscribe\b|batch/write|statusState"),
        ("Shopify subscribes", r"marketingState\W+(SUBSCRIBED|PENDING)|customerCreate|customerUpdate\b|customerSet\b"),
        ("a Mailchimp archive forgets a refusal", r"delete-permanent"),
        ("SendGrid forgets a group, and mails everybody in it", r"delete_all\b|bypass_(list|unsubscribe|spam|bounce)_management"),
    ],
)
def test_no_client_knows_the_word(verb, pattern):
    found = {name for name, tree in TREES.items() for word in words(tree) if re.search(pattern, word)}
    assert found <= ({ERASURE} if pattern == "delete-permanent" else set()), verb


def dict_entries(tree: ast.AST) -> list[tuple[str, ast.expr]]:
    """Every `key: value` of a mapping that is written out, and every `key=value` that is given to a mapping."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keyed = zip(node.keys, node.values, strict=True)
            found += [(key.value, value) for key, value in keyed if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
            found += [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg]
    return found


def test_a_mailchimp_member_is_only_ever_written_as_unsubscribed_or_asked_to_confirm():
    """`status_if_new` may say more: it is for members who are not there yet."""
    folders = ("mailhouse/destinations/mailchimp/", "mailhouse/withdrawals/mailchimp.py")
    written = {
        ast.unparse(value)
        for name, tree in TREES.items()
        if name.startswith(folders)
        for key, value in dict_entries(tree)
        if key == "status"
    }
    assert "'unsubscribed'" in written
    assert written <= {"'unsubscribed'", "'pending'"}


def test_the_marketing_state_of_a_customer_is_only_ever_written_as_unsubscribed():
    written = {ast.unparse(value) for tree in TREES.values() for key, value in dict_entries(tree) if key == "marketingState"}
    assert written == {"'UNSUBSCRIBED'"}


def test_a_wrong_word_would_be_seen():
    tree = ast.parse("body = {'status': 'subscribed', 'path': f'/api/{1}profile-subscription-bulk-create-jobs'}")
    assert [ast.unparse(value) for key, value in dict_entries(tree) if key == "status"] == ["'subscribed'"]
    assert any("subscription-bulk-create" in word for word in words(tree))


def test_nothing_is_ever_deleted_under_sendgrid_s_suppressions():
    """There a DELETE is the word that mails somebody again."""
    deleted = {
        (name, ast.unparse(node.args[2]))
        for name, tree in TREES.items()
        if "sendgrid" in name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "write"
        and ast.unparse(node.args[0]) == "'DELETE'"
    }
    assert deleted == {
        ("mailhouse/destinations/sendgrid/members.py", "LEAVE"),
        ("mailhouse/privacy/vendors/sendgrid.py", "CONTACTS"),
    }
