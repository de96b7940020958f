"""What an answer says, whatever its format: the common ground on which a translation is held against its recording."""

import dataclasses
import json


@dataclasses.dataclass
class Call:
    name: str
    arguments: object  # parsed where it is JSON
    id: str | None = None


@dataclasses.dataclass
class Choice:
    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: list = dataclasses.field(default_factory=list)
    finish: str | None = None  # "stop", "length", "tool", "refusal", "pause"; None while it has not ended


@dataclasses.dataclass
class Answer:
    choices: list = dataclasses.field(default_factory=list)
    usage: dict | None = None
    model: str | None = None
    error: str | None = None  # what an error event says

    def choice(self, index):
        while len(self.choices) <= index:
            self.choices.append(Choice())
        return self.choices[index]


def arguments(text):
    """Tool arguments as they compare: `{"a": 1}` and `{"a":1}` are the same, and no text is no arguments."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def differences(expected, seen, *, choices=True, calls=True, reasoning=True):
    """How `seen` differs from what was recorded, as far as the client's format has a place for it."""
    if expected.error is not None and seen.error is None:
        return [f"the recording ends in an error, the translation does not: {expected.error[:100]}"]
    if expected.error is None and seen.error is not None:
        return [f"ends in an error: {seen.error[:200]}"]
    found = []
    wanted = expected.choices if choices else expected.choices[:1]
    if len(wanted) != len(seen.choices) and not (not wanted or (len(wanted) == 1 and not seen.choices)):
        found.append(f"choices: expected {len(wanted)}, saw {len(seen.choices)}")
    for index, (want, got) in enumerate(zip(wanted, seen.choices)):
        found += [f"choice {index}: {what}" for what in _choice_differences(want, got, calls, reasoning, expected.error)]
    return found


def _choice_differences(want, got, calls, reasoning, error):
    # A refusal is text where a format has no place of its own for it.
    pairs = [("text", want.text + want.refusal, got.text + got.refusal)]
    if reasoning:
        pairs.append(("reasoning", want.reasoning, got.reasoning))
    if calls:
        pairs.append(("calls", [(c.name, c.arguments) for c in want.calls], [(c.name, c.arguments) for c in got.calls]))
        ids = [call.id for call in got.calls]
        if None in ids or "" in ids or len(set(ids)) != len(ids):
            yield f"call ids are not there or not unique: {ids}"
    for what, wanted, seen in pairs:
        if wanted != seen:
            yield f"{what}: expected {_short(wanted)}, saw {_short(seen)}"
    if error is None and _finish(want, calls) != _finish(got, calls):
        yield f"finish: expected {want.finish}, saw {got.finish}"


def _finish(choice, calls):
    """Some vendors end a turn that calls tools with their word for the end of a turn."""
    if choice.finish in ("stop", "tool"):
        return "tool" if choice.calls and calls else "stop"
    return choice.finish


def usage_differences(expected, seen):
    """`expected` is `expect.usage` of the recording; `seen` has the figures that the format can say."""
    if expected is None:
        return [f"usage: expected none, saw {seen}"] if seen and any(seen.values()) else []
    if seen is None:
        return [f"usage: expected {expected}, saw none"]
    figures = dict(expected)
    if figures.get("output_incl_reasoning") is not None:
        figures["output"] = figures["output_incl_reasoning"]
    wrong = {key: value for key, value in seen.items() if value is not None and value != (figures.get(key) or 0)}
    return [f"usage: {key}: expected {figures.get(key) or 0}, saw {value}" for key, value in wrong.items()]


def _short(value):
    shown = repr(value)
    return shown if len(shown) <= 300 else f"{shown[:200]}…{shown[-60:]} ({len(shown)})"
