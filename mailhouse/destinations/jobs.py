"""Calls that are jobs at the ESP: sent, searched for bad rows where one is refused, and taken up again by a later run."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from mailhouse.destinations.base import Call, Change, Outcome
from mailhouse.destinations.isolating import Isolating, RefusedWhole

Remember = Callable[[str], None]
Fitting = tuple[Sequence[Change], list[Outcome]]


def carried(call: Call) -> tuple[str, ...]:
    """The lists that all documents of a job join by it."""
    return call.changes[0].add if call.changes else ()


def not_remembered(reference: str) -> None:
    """What a job gets for `remember` that searches for a bad row, or repairs what an earlier one said."""


async def send_job(
    call: Call,
    remember: Remember,
    send: Callable[[Call, Remember], Awaitable[list[Outcome]]],
    settle: Callable[[Call], Awaitable[list[Outcome]]],
    check: Callable[[Iterable[str]], Awaitable[None]],
) -> list[Outcome]:
    """One outcome a change, by as many jobs as it takes to find bad rows; `check` looks its lists up anew where one is unknown.

    Raises what `send`, `settle` and `check` raise.
    """

    async def part_of(part: Call) -> list[Outcome]:
        # the job of a part is not remembered: whoever finds the whole refused again starts the search anew
        try:
            return await send(part, remember if part is call else not_remembered)
        except RefusedWhole as refused:
            if refused.status == 404:
                await check(carried(call))
            raise

    return await Isolating(part_of, settle).outcomes(call)


async def resume_job(fitting: Fitting, outcomes_of: Callable[[Sequence[Change]], Awaitable[list[Outcome]]]) -> list[Outcome]:
    """What became of a job of an earlier run; `fitting` are the changes that it carried, and the refusal of the others."""
    changes, refused = fitting
    try:
        return refused + await outcomes_of(changes)
    except RefusedWhole as whole:
        return refused + [Outcome(change.key, "try_again", whole.code, whole.reason) for change in changes]
