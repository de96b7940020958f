"""What an answer says, whatever its format: the common ground on which a translation is held against its recording."""

import dataclasses
import json
import re


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
    served: list = dataclasses.field(default_factory=list)  # calls of the provider's own tools, which it answers itself
    citations: int = 0
    logprobs: int = 0  # tokens that have one
    seals: list = dataclasses.field(default_factory=list)  # signatures of thinking, or its encrypted content
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


def differences(expected, seen, losses, *, choices=True):
    """How `seen` differs from what was recorded, beside what the losses declare."""
    if expected.error is not None and seen.error is None:
        return [f"the recording ends in an error, the translation does not: {expected.error[:100]}"]
    if expected.error is None and seen.error is not None:
        return [f"ends in an error: {seen.error[:200]}"]
    found = []
    wanted = expected.choices if choices else expected.choices[:1]
    if len(wanted) != len(seen.choices) and wanted not in ([], [Choice()]) and expected.error is None:
        found.append(f"choices: expected {len(wanted)}, saw {len(seen.choices)}")
    for index, (want, got) in enumerate(zip(wanted, seen.choices)):
        found += [f"choice {index}: {what}" for what in _choice_differences(want, got, losses, expected.error)]
    return found


# What a loss must say to excuse that something is not there.
EXCUSES = {
    "calls": ("tool", "function", "call"),
    "served": ("tool", "code", "search"),
    "reasoning": ("thinking", "reasoning", "thought"),
    "citations": ("citation", "annotation", "grounding"),
    "logprobs": ("logprob",),
    "seals": ("signature", "encrypted", "thinking", "reasoning", "thought"),
}


def excused(what, losses):
    return any(word in f"{path} {reason}".lower() for path, *_, reason in losses for word in EXCUSES[what])


def _choice_differences(want, got, losses, error):
    # A refusal is text where a format has no place of its own for it.
    if want.text + want.refusal != got.text + got.refusal:
        yield f"text: expected {_short(want.text + want.refusal)}, saw {_short(got.text + got.refusal)}"
    same = want.reasoning == got.reasoning or _run_on(want.reasoning) == _run_on(got.reasoning)
    if not same and not (excused("reasoning", losses) and not got.reasoning):
        yield f"reasoning: expected {_short(want.reasoning)}, saw {_short(got.reasoning)}"
    wanted, seen = ([(call.name, _freely(call.arguments)) for call in choice.calls] for choice in (want, got))
    if wanted != seen and not (excused("calls", losses) and not seen):
        yield f"calls: expected {_short(wanted)}, saw {_short(seen)}"
    ids = [call.id for call in got.calls]
    if None in ids or "" in ids or len(set(ids)) != len(ids):
        yield f"call ids are not there or not unique: {ids}"
    elif len(want.calls) == len(ids):
        changed = [(call.id, id) for call, id in zip(want.calls, ids) if call.id and _spelt(call.id) != _spelt(id)]
        if changed:
            yield f"call ids changed: {changed}"
    for what in ("served", "citations", "logprobs", "seals"):
        if getattr(want, what) and not getattr(got, what) and not excused(what, losses):
            yield f"{what} are lost in silence"
    if error is None and want.finish in FINISHES and _finish(want, got) != _finish(got, got):
        yield f"finish: expected {want.finish}, saw {got.finish}"


def _freely(said):
    """Where a format has no tools that take free text, the text is the only argument."""
    return {"input": said} if isinstance(said, str) else said


def _run_on(text):
    """Reasoning in parts may be joined with space between them."""
    return re.sub(r"\s", "", text) if isinstance(text, str) else text


# Other reasons to end are one vendor's own.
FINISHES = ("stop", "length", "tool", "refusal")


def _finish(choice, got):
    """Some vendors end a turn that calls tools, or a refusal, with their word for the end of a turn."""
    if choice.finish in ("stop", "tool"):
        if choice.refusal and got.finish == "refusal":
            return "refusal"
        return "tool" if got.calls else "stop"
    return choice.finish


def _spelt(id):
    """Not every character may stand in every vendor's ids."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", id)


def usage_differences(expected, seen):
    """`expected` is `expect.usage` of the recording; `seen` has the figures that the format can say."""
    if expected is None:
        return [f"usage: expected none, saw {seen}"] if seen and any(seen.values()) else []
    if seen is None:
        return [f"usage: expected {expected}, saw none"]
    figures = dict(expected)
    if figures.get("output_incl_reasoning") is not None:
        figures["output"] = figures["output_incl_reasoning"]
    wrong = {key: value for key, value in seen.items() if (value or 0) != (figures.get(key) or 0)}
    return [f"usage: {key}: expected {figures.get(key) or 0}, saw {value}" for key, value in wrong.items()]


def _short(value):
    shown = repr(value)
    return shown if len(shown) <= 300 else f"{shown[:200]}…{shown[-60:]} ({len(shown)})"
