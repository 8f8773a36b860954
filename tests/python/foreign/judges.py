"""The judge of every exchange: each vendor by its own description; what they object to fails the run."""

from mailhouse.sandbox.judging import Exchange
from tests.python.foreign import openapi_judge, sendgrid_judge


def judge(exchange: Exchange) -> list[str]:
    """Judges an exchange with Klaviyo or SendGrid, of no other vendor, and writes complaints down."""
    if exchange.vendor == "sendgrid":
        return openapi_judge.written_down(sendgrid_judge.objections(exchange))
    return openapi_judge.judge(exchange)
