"""Bedrock Converse, by botocore's service model. Only providers speak it: its answers are read, not written."""

import base64
import functools
import json
import re

import botocore.session
from botocore.eventstream import EventStreamBuffer
from botocore.validate import ParamValidator

from answer import Answer, Call, arguments

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
}
# Of the path, not the body.
URI = {"modelId"}


@functools.cache
def _model():
    return botocore.session.get_session().get_service_model("bedrock-runtime")


def request(body, stream):
    shape = _model().operation_model("ConverseStream" if stream else "Converse").input_shape
    body = {"modelId": "model", **{key: value for key, value in body.items() if key not in URI}}
    report = ParamValidator().validate(body, shape)
    violations = [line.strip() for line in report.generate_report().splitlines() if line.strip()]
    return violations + _check(body, shape, "")


def _check(value, shape, path):
    """What botocore leaves to the service: enums, patterns, and base64."""
    if shape.type_name == "structure" and isinstance(value, dict):
        known = ((key, shape.members[key]) for key in value if key in shape.members)
        return [found for key, member in known for found in _check(value[key], member, f"{path}.{key}")]
    if shape.type_name == "list" and isinstance(value, list):
        return [found for at, item in enumerate(value) for found in _check(item, shape.member, f"{path}[{at}]")]
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            return [f"{path}: {value[:60]!r} is no base64"]
    if shape.type_name == "string" and isinstance(value, str):
        allowed, pattern = getattr(shape, "enum", None), shape.metadata.get("pattern")
        if allowed and value not in allowed:
            return [f"{path}: {value!r:.60} is none of {allowed[:6]}"]
        if pattern and not re.fullmatch(_python(pattern), value, re.DOTALL):
            return [f"{path}: {value!r:.60} does not match {pattern[:80]}"]
    return []


@functools.cache
def _python(pattern):
    """AWS writes Java's regular expressions."""
    return pattern.replace("\\p{Alnum}", "A-Za-z0-9").replace("\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}", "\\s\\S")


def whole(body):
    value = json.loads(body)
    answer = Answer(usage=usage(value.get("usage")))
    choice = answer.choice(0)
    for block in ((value.get("output") or {}).get("message") or {}).get("content") or []:
        choice.text += block.get("text") or ""
        cited = (block.get("citationsContent") or {}).get("content") or []
        choice.text += "".join(part.get("text") or "" for part in cited)
        choice.citations += len((block.get("citationsContent") or {}).get("citations") or [])
        if "toolUse" in block:
            call = block["toolUse"]
            calls = choice.served if call.get("type") == "server_tool_use" else choice.calls
            calls.append(Call(call["name"], arguments(call.get("input")), call.get("toolUseId")))
        thinking = block.get("reasoningContent") or {}
        choice.reasoning += (thinking.get("reasoningText") or {}).get("text") or ""
        seals = [(thinking.get("reasoningText") or {}).get("signature"), thinking.get("redactedContent")]
        choice.seals += filter(None, seals)
    choice.finish = FINISH.get(value.get("stopReason"), value.get("stopReason"))
    return answer, []


def stream(body):
    answer, calls = Answer(), {}
    choice = answer.choice(0)
    frames = EventStreamBuffer()
    frames.add_data(body)
    for frame in frames:
        value = json.loads(frame.payload or b"{}")
        if frame.headers.get(":message-type") == "exception":
            answer.error = json.dumps(value)
            continue
        index = value.get("contentBlockIndex")
        kind = frame.headers.get(":event-type")
        if kind == "contentBlockStart" and "toolUse" in value.get("start", {}):
            start = value["start"]["toolUse"]
            calls[index] = Call(start["name"], "", start.get("toolUseId"))
            (choice.served if start.get("type") == "server_tool_use" else choice.calls).append(calls[index])
        elif kind == "contentBlockDelta":
            delta = value.get("delta") or {}
            choice.text += delta.get("text") or ""
            choice.citations += "citation" in delta
            thinking = delta.get("reasoningContent") or {}
            choice.reasoning += thinking.get("text") or ""
            choice.seals += filter(None, [thinking.get("signature"), thinking.get("redactedContent")])
            if "toolUse" in delta:
                calls[index].arguments += delta["toolUse"].get("input") or ""
        elif kind == "messageStop":
            choice.finish = FINISH.get(value.get("stopReason"), value.get("stopReason"))
        elif kind == "metadata":
            answer.usage = usage(value.get("usage"))
    for call in calls.values():
        call.arguments = arguments(call.arguments)
    return answer, []


def usage(figures):
    if not figures:
        return None
    cached, written = figures.get("cacheReadInputTokens") or 0, figures.get("cacheWriteInputTokens") or 0
    return {
        "input": (figures.get("inputTokens") or 0) + cached + written,
        "output": figures.get("outputTokens"),
        "cached": cached,
        "cache_write": written,
    }
