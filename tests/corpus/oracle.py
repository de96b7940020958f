"""What a recorded answer says, for translations to be held against.

The vendor's reader says most (each choice, ids, reasoning); the corpus' own `expect` was computed independently and knows
the providers' oddities. Where the two differ on text or calls, `expect` decides, of which only lengths and hashes are known.
"""

import functools
import hashlib
import itertools

import vendors
from answer import Answer, Call, Choice, arguments

# What the corpus' `finish` says, in every format's words.
FINISH = {}
for vendor in vendors.ALL.values():
    FINISH.update(vendor.FINISH)


class Digest:
    """A text of which only the length and, mostly, the hash are known."""

    def __init__(self, length, sha256=None):
        self.length, self.sha256 = length, sha256

    def __eq__(self, text):
        same = len(text) == self.length
        return same and (self.sha256 is None or hashlib.sha256(text.encode()).hexdigest() == self.sha256)

    def __add__(self, refusal):
        return self

    def __len__(self):
        return self.length

    def __repr__(self):
        return f"{self.length} characters"


@functools.lru_cache(maxsize=1)  # all translations of a recording are checked in a row
def read(recording):
    """The answer, or None where the recording is not one."""
    vendor, expect = vendors.ALL[recording.format], recording.expect
    try:
        answer, _ = getattr(vendor, recording.kind)(recording.response)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        answer = None
    calls = [(call["name"], arguments(call["arguments"])) for call in expect["tool_calls"]]
    text = Digest(expect["text_len"], expect["text_sha256"])
    # Of several choices, `expect` has all or the first.
    texts = [choice.text for choice in answer.choices] if answer else []
    if answer is not None and text in ("".join(texts), *texts[:1]):
        read = [(call.name, call.arguments) for choice in answer.choices for call in choice.calls]
        served = [(call.name, call.arguments) for choice in answer.choices for call in choice.served]
        if calls == read or sorted(map(repr, calls)) == sorted(map(repr, read + served)):
            return _ended(answer, recording)
    finish = next(iter(expect["finish"]), None)
    choice = Choice(
        text=text,
        reasoning=answer.choices[0].reasoning if answer and answer.choices else Digest(expect["reasoning_len"]),
        calls=list(itertools.starmap(Call, calls)),
        finish=FINISH.get(finish, finish),
    )
    return _ended(Answer(choices=[choice], error=answer.error if answer else None), recording)


def _ended(answer, recording):
    if "cut-off" in recording.tags:
        answer.error = "the recording is cut off"
    return answer
