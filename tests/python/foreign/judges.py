"""The judge of every exchange: each vendor by its own description; what they object to fails the run."""

from mailhouse.sandbox.judging import Exchange
from tests.python.foreign import mailchimp_judge, openapi_judge, sendgrid_judge

BY_DESCRIPTION = {"sendgrid": sendgrid_judge.objections, "mailchimp": mailchimp_judge.objections}


def judge(exchange: Exchange) -> list[str]:
    """Judges an exchange with Klaviyo, SendGrid or Mailchimp, of no other vendor, and writes complaints down."""
    if exchange.vendor in BY_DESCRIPTION:
        return openapi_judge.written_down(BY_DESCRIPTION[exchange.vendor](exchange))
    return openapi_judge.judge(exchange)
