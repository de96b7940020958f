"""What a client got, in the words that all scenarios share."""

import dataclasses
import typing


@dataclasses.dataclass
class Call:
    """A call of a tool. The id is what the client's format has for it, or nothing."""

    name: str
    arguments: dict
    id: str | None = None


@dataclasses.dataclass
class Answer:
    text: str = ""
    thinking: str = ""
    calls: list[Call] = dataclasses.field(default_factory=list)
    # `stop`, `calls`, or whatever else the format says.
    ending: str = ""
    # All of it, cached or not; thinking is a part of the output.
    input_tokens: int | None = None
    output_tokens: int | None = None
    # What the library made of a structured output.
    parsed: typing.Any = None
    # What the next request repeats of it, as the format has it.
    turn: list = dataclasses.field(default_factory=list)
    # The text of a stream as it arrived.
    pieces: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Failure:
    """An exception of a client library: the names of its class and of the classes above."""

    kinds: set[str]
    status: int | None
    message: str
    retry_after: str | None = None


def compact(value):
    """Without members that are null, which is how libraries write what is absent."""
    if isinstance(value, dict):
        return {name: compact(member) for name, member in value.items() if member is not None}
    return [compact(member) for member in value] if isinstance(value, list) else value
