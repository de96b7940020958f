"""OpenAI responses, by the types of the PyPI package `openai`."""

import json

import pydantic
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses import response_create_params as params

import shapes
import sse
from answer import Answer, Call, arguments
from vendors import openai_chat

# Of a status; calls and `incomplete_details` say more.
FINISH = {"completed": "stop", "incomplete": "length"}
# In the vendor's OpenAPI or in what it sends, and not in the library.
EXTENSIONS = {".error", ".store", ".response.store", ".name", ".logprobs[].bytes", ".logprobs[].top_logprobs[].bytes"}
EVENT = pydantic.TypeAdapter(ResponseStreamEvent)
error = openai_chat.error
ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}


def request(body, stream):
    expected = params.ResponseCreateParamsStreaming if stream else params.ResponseCreateParamsNonStreaming
    return shapes.check(body, expected)


def whole(body):
    value = json.loads(body)
    if set(value) == {"error"}:
        return Answer(error=json.dumps(value["error"])), []
    violations = shapes.check(value, Response) + shapes.parse(Response.model_validate, value)
    return _answer(value), violations


def next_turn(body, calls):
    """The client's request after this answer: every call has its result."""
    return {
        "model": "client-model",
        "input": [
            {"role": "user", "content": "Go on."},
            *json.loads(body)["output"],
            *({"type": "function_call_output", "call_id": call.id, "output": "done"} for call in calls),
            *([] if calls else [{"role": "user", "content": "And then?"}]),
        ],
        "tools": [
            {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}, "strict": False}
            for name in dict.fromkeys(call.name for call in calls)
        ],
        "reasoning": {"effort": "medium"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }


def _answer(response):
    answer = Answer(usage=usage(response.get("usage")), model=response.get("model"))
    choice = answer.choice(0)
    for item in response.get("output") or []:
        kind = item.get("type")
        if kind == "message":
            for part in item.get("content") or []:
                choice.text += part.get("text") or ""
                choice.refusal += part.get("refusal") or ""
                choice.citations += len(part.get("annotations") or [])
                choice.logprobs += len(part.get("logprobs") or [])
        elif kind == "function_call":
            choice.calls.append(Call(item["name"], arguments(item.get("arguments")), item.get("call_id")))
        elif kind == "custom_tool_call":
            choice.calls.append(Call(item["name"], arguments(item.get("input")), item.get("call_id")))
        elif kind == "reasoning":
            choice.seals += filter(None, [item.get("encrypted_content")])
            choice.reasoning += "".join(part.get("text") or "" for part in item.get("content") or []) or "".join(
                part.get("text") or "" for part in item.get("summary") or []
            )
    status = response.get("status")
    if status == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        choice.finish = {"max_output_tokens": "length", "content_filter": "refusal"}.get(reason, reason)
    elif status == "failed":
        answer.error = json.dumps(response.get("error"))
    elif status == "completed":
        choice.finish = "tool" if choice.calls else "stop"
    return answer


def stream(body):
    """Beside the library's accumulator, the numbering, the nesting and the sums of the deltas are checked."""
    violations, answer = [], Answer()
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    events = [(name, data if data == "[DONE]" else json.loads(data)) for name, data in sse.read(body)]
    nesting, numbers, last, final = Nesting(), [], None, None
    for name, event in events:
        if event == "[DONE]":
            violations.append("[DONE], which only chat and completions have")
            continue
        kind = event.get("type")
        if name != kind:
            violations.append(f"event {name} has the type {kind}")
        if last in ENDS and (last, kind) != ("error", "response.failed"):
            violations.append(f"{kind} after {last}")
        last = kind
        numbers.append(event.get("sequence_number"))
        violations += shapes.check(event, ResponseStreamEvent) + nesting.see(event)
        if kind == "error":
            answer.error = json.dumps(event)
            continue
        if kind in ENDS:
            final = event["response"]
        violations += shapes.parse(lambda: state.handle_event(EVENT.validate_python(event)))
    if numbers != list(range(len(numbers))):
        violations.append(f"sequence numbers are not dense: {numbers[:12]}…")
    if last not in ENDS:
        violations.append(f"no end, but {last}")
    if final is not None:
        # Some providers leave the output of the last event empty and mean what was done; what was done has the seals to send back.
        answer = _answer({**final, "output": [item for _, item in sorted(nesting.done.items())] or final.get("output") or []})
        violations += nesting.end(final)
    return answer, violations


class Nesting:
    """Items hold parts, parts hold deltas; what is done says again what the deltas said."""

    def __init__(self):
        self.items, self.done, self.parts, self.sums, self.created = {}, {}, {}, {}, 0

    def see(self, event):
        kind = event["type"]
        if kind == "response.created":
            self.created += 1
            return [] if self.created == 1 else ["response.created again"]
        if not self.created and kind != "error":
            return [f"{kind} before response.created"]
        index = event.get("output_index")
        if kind == "response.output_item.added":
            wrong = index != len(self.items) or len(self.items) != len(self.done)
            self.items[index] = event["item"].get("id")
            return [f"item {index} is added out of turn"] if wrong else []
        if index is None:
            return []
        if index not in self.items or index in self.done:
            return [f"{kind} of item {index}, which is not open"]
        if kind == "response.output_item.done":
            self.done[index] = event["item"]
            still = [key for key in self.parts if key[0] == index]
            return [f"item {index} is done while parts are open: {still}"] if still else []
        found = []
        if event.get("item_id") not in (None, self.items[index]):
            found.append(f"{kind} names the item {event['item_id']}, not {self.items[index]}")
        return found + self._see_part(kind, index, event)

    def _see_part(self, kind, index, event):
        part = event.get("content_index", event.get("summary_index"))
        key = (index, "summary" if "summary_index" in event else "content", part)
        if kind.endswith("_part.added"):
            self.parts[key] = True
            return []
        if kind.endswith("_part.done"):
            return [] if self.parts.pop(key, None) else [f"{kind} of a part that was not added"]
        found = []
        needs_part = kind.startswith(("response.output_text.", "response.refusal.", "response.reasoning_summary_text."))
        if needs_part and key not in self.parts:
            found.append(f"{kind} of a part that is not open")
        channel = (key, kind.rpartition(".")[0])
        if kind.endswith(".delta") and isinstance(event.get("delta"), str):
            self.sums[channel] = self.sums.get(channel, "") + event["delta"]
        elif kind.endswith(".done") and channel in self.sums:
            said = next((event[name] for name in ("text", "arguments", "refusal", "input") if name in event), None)
            if said is not None and said != self.sums[channel]:
                found.append(f"{kind} says {said!r:.80}, its deltas said {self.sums[channel]!r:.80}")
        return found

    def end(self, response):
        found = [f"items that were added but not done: {sorted(set(self.items) - set(self.done))}"]
        found = found if set(self.items) != set(self.done) and response.get("status") == "completed" else []
        output = response.get("output") or []
        if [item.get("id") for item in output] != [item.get("id") for _, item in sorted(self.done.items())]:
            found.append("the final output has not the items that were done")
        elif output != [item for _, item in sorted(self.done.items())]:
            found.append("the final output says its items otherwise than output_item.done")
        return found


def usage(figures):
    if not figures:
        return None
    return {
        "input": figures.get("input_tokens"),
        "output": figures.get("output_tokens"),
        "cached": (figures.get("input_tokens_details") or {}).get("cached_tokens"),
        "reasoning": (figures.get("output_tokens_details") or {}).get("reasoning_tokens"),
    }
