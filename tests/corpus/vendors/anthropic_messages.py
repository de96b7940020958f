"""Anthropic messages, by the types of the PyPI package `anthropic`."""

import json

import pydantic
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import ErrorResponse, Message, RawMessageStreamEvent
from anthropic.types import message_create_params as params

import shapes
import sse
from answer import Answer, Call, arguments

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool",
    "refusal": "refusal",
    "pause_turn": "pause",
}
# Where a provider states its figures at the end only, so does the split of cache writes, which the vendor gives at the start.
EXTENSIONS = {".usage.cache_creation"}
# The library's types forget them, since the newest models refuse them; the vendor's OpenAPI has them, and older models obey.
SAMPLING = {"temperature", "top_p", "top_k"}
EVENT = pydantic.TypeAdapter(RawMessageStreamEvent)


def request(body, stream):
    body = {key: value for key, value in body.items() if key not in SAMPLING}
    expected = params.MessageCreateParamsStreaming if stream else params.MessageCreateParamsNonStreaming
    return shapes.check(body, expected)


def whole(body):
    value = json.loads(body)
    if value.get("type") == "error":
        return Answer(error=json.dumps(value["error"])), []
    violations = shapes.check(value, Message) + shapes.parse(Message.model_validate, value)
    return _answer(value), violations


def next_turn(body, calls):
    """The client's request after this answer: every call has its result."""
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "done"} for call in calls]
    return {
        "model": "client-model",
        "max_tokens": 8192,
        "messages": [
            {"role": "user", "content": "Go on."},
            {"role": "assistant", "content": json.loads(body)["content"]},
            {"role": "user", "content": results or "And then?"},
        ],
        "tools": [
            {"name": name, "input_schema": {"type": "object"}} for name in dict.fromkeys(call.name for call in calls)
        ],
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    }


def _answer(message):
    answer = Answer(usage=usage(message.get("usage")), model=message.get("model"))
    choice = answer.choice(0)
    for block in message.get("content") or []:
        kind = block.get("type")
        if kind == "text":
            choice.text += block.get("text") or ""
            choice.citations += len(block.get("citations") or [])
        elif kind == "thinking":
            choice.reasoning += block.get("thinking") or ""
            choice.seals += filter(None, [block.get("signature")])
        elif kind == "redacted_thinking":
            choice.seals.append(block.get("data"))
        elif kind == "tool_use":
            choice.calls.append(Call(block["name"], arguments(block.get("input")), block.get("id")))
    choice.finish = FINISH.get(message.get("stop_reason"), message.get("stop_reason"))
    return answer


def stream(body):
    """Beside the library's accumulator, which is lenient, the order of events is checked."""
    violations, snapshot, json_bufs, failure = [], None, {}, None
    opened, blocks, inputs, deltas, ended = None, [], {}, 0, False
    message = {"usage": {}}
    for name, data in sse.read(body):
        if data == "[DONE]":
            violations.append("[DONE], which only OpenAI's formats have")
            continue
        event = json.loads(data)
        kind = event.get("type")
        if name != kind:
            violations.append(f"event {name} has the type {kind}")
            kind = kind or name
            event["type"] = kind
        if ended:
            violations.append(f"{kind} after the end")
        if kind == "ping":
            continue
        if kind == "error":
            violations += shapes.check(event, ErrorResponse)
            failure, ended = json.dumps(event.get("error")), True
            continue
        violations += shapes.check(event, RawMessageStreamEvent)
        if kind == "message_start":
            message["model"] = (event.get("message") or {}).get("model")
            _update(message["usage"], (event.get("message") or {}).get("usage"))
        elif kind == "content_block_start":
            if opened is not None or event["index"] != len(blocks):
                violations.append(f"block {event['index']} starts while {opened} is open and {len(blocks)} were there")
            opened = event["index"]
            blocks.append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            if opened != event["index"]:
                violations.append(f"a delta of block {event['index']} while {opened} is open")
            _extend(blocks[event["index"]], event["delta"], inputs, event["index"])
        elif kind == "content_block_stop":
            if opened != event["index"]:
                violations.append(f"block {event['index']} stops while {opened} is open")
            opened = None
        elif kind == "message_delta":
            deltas += 1
            if opened is not None:
                violations.append(f"message_delta while block {opened} is open")
            message["stop_reason"] = event["delta"].get("stop_reason")
            _update(message["usage"], event.get("usage"))
        elif kind == "message_stop":
            ended = True
        try:
            parsed = EVENT.validate_python(event)
            snapshot = accumulate_event(event=parsed, current_snapshot=snapshot, json_bufs=json_bufs)
        except Exception as error:  # a library may raise anything: that is the finding
            violations.append(f"the client library raises {type(error).__name__}: {error}"[:300])
    if failure is None and (deltas != 1 or not ended):
        violations.append(f"{deltas} message_delta, {'an' if ended else 'no'} end")
    if snapshot is None:
        return Answer(error=failure), violations + ([] if failure else ["no message_start"])
    message["content"] = [_closed(block, inputs.get(index)) for index, block in enumerate(blocks)]
    answer = _answer(message)
    answer.error = failure
    return answer, violations


def _update(figures, more):
    """Figures are cumulative; what is null was said before."""
    figures.update({name: value for name, value in (more or {}).items() if value is not None})


def _extend(block, delta, inputs, index):
    kind = delta.get("type")
    if kind == "text_delta":
        block["text"] = block.get("text", "") + delta["text"]
    elif kind == "thinking_delta":
        block["thinking"] = block.get("thinking", "") + delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]
    elif kind == "input_json_delta":
        inputs[index] = inputs.get(index, "") + delta["partial_json"]


def _closed(block, text):
    return block if text is None else {**block, "input": arguments(text)}


def usage(figures):
    if not figures:
        return None
    cached, written = figures.get("cache_read_input_tokens") or 0, figures.get("cache_creation_input_tokens") or 0
    return {
        "input": (figures.get("input_tokens") or 0) + cached + written,
        "output": figures.get("output_tokens"),
        "cached": cached,
        "cache_write": written,
        "reasoning": (figures.get("output_tokens_details") or {}).get("thinking_tokens"),
    }


def error(body):
    return shapes.check(json.loads(body), ErrorResponse)
