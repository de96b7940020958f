"""OpenAI's older text completions, by the types of the PyPI package `openai`."""

import json

from openai.types import Completion
from openai.types import completion_create_params as params

import shapes
import sse
from answer import Answer
from vendors import openai_chat

FINISH = openai_chat.FINISH
EXTENSIONS = set()
error = openai_chat.error


def request(body, stream):
    expected = params.CompletionCreateParamsStreaming if stream else params.CompletionCreateParamsNonStreaming
    return shapes.check(body, expected)


def whole(body):
    value = json.loads(body)
    if "error" in value:
        return Answer(error=json.dumps(value["error"])), []
    answer = Answer()
    return answer, _add(answer, value)


def stream(body):
    answer, violations = Answer(), []
    events = sse.read(body)
    ends = [index for index, event in enumerate(events) if event.data == "[DONE]"]
    for event in events:
        if event.data == "[DONE]":
            continue
        value = json.loads(event.data)
        if "error" in value and "choices" not in value:
            answer.error = json.dumps(value["error"])
        else:
            violations += [found for found in _add(answer, value) if not _is_streams_own(found)]
    return answer, violations + openai_chat.ends_wrongly(answer, ends, len(events))


def _is_streams_own(violation):
    """The vendor has one type for whole answers and events, of which only the last has a reason to end."""
    return "finish_reason: None is not" in violation


def _add(answer, value):
    answer.model = value.get("model")
    answer.usage = openai_chat.usage(value.get("usage")) or answer.usage
    for choice in value.get("choices") or []:
        target = answer.choice(choice.get("index") or 0)
        target.text += choice.get("text") or ""
        target.logprobs += len((choice.get("logprobs") or {}).get("tokens") or [])
        if choice.get("finish_reason"):
            target.finish = openai_chat.FINISH.get(choice["finish_reason"], choice["finish_reason"])
    return shapes.check(value, Completion)
