"""Server-sent events, read as a browser would: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import re
import typing


class Event(typing.NamedTuple):
    name: str | None
    data: str


def read(body):
    """The events of a stream; an event that no blank line ends is read too."""
    text = body.decode("utf-8-sig")
    events, name, data = [], None, []
    for line in re.split(r"\r\n|\r|\n", text) + [""]:
        if not line:
            if data:
                events.append(Event(name, "\n".join(data)))
            name, data = None, []
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return events
