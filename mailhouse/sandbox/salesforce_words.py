"""How Salesforce says no: a list of messages with their codes, whatever the status."""

from typing import Any

from mailhouse.sandbox.wire import Reply


class Refused(Exception):
    """Carries the refusal of a request."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def refusal(status: int, message: str, code: str) -> Reply:
    """One message, as the REST API tells it."""
    return Reply(status, [{"message": message, "errorCode": code}])


def refused(error: Refused) -> Reply:
    return refusal(error.status, str(error), error.code)


def row_error(code: str, message: str, fields: tuple[str, ...] = (), record_id: str | None = None) -> dict[str, Any]:
    """The refusal of one record of several."""
    answer: dict[str, Any] = {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}
    return answer if record_id is None else {"id": record_id, **answer}
