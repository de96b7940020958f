"""OpenAI chat completions, by the types of the PyPI package `openai`."""

import json

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat import completion_create_params as params

import shapes
import sse
from answer import Answer, Call, arguments

FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
}
# Members that the types do not have, and that clients of compatible providers know: DeepSeek's reasoning, OpenRouter's details
# of it with their seals, Google's seals of calls; annotations, which OpenAI streams and its types forget.
EXTENSIONS = {
    f".choices[].{place}.{member}"
    for place in ("message", "delta")
    for member in (
        "reasoning_content",
        "reasoning_details",
        "tool_calls[].extra_content",
        "annotations",
        "annotations[].index",  # which the library's accumulator wants of every list in a delta
        "annotations[].url_citation.content",
    )
}


def request(body, stream):
    expected = params.CompletionCreateParamsStreaming if stream else params.CompletionCreateParamsNonStreaming
    return shapes.check(body, expected)


def whole(body):
    value = json.loads(body)
    if "error" in value:
        return Answer(error=json.dumps(value["error"])), []
    violations = shapes.check(value, ChatCompletion) + shapes.parse(ChatCompletion.model_validate, value)
    answer = Answer(usage=usage(value.get("usage")), model=value.get("model"))
    for index, choice in enumerate(value.get("choices") or []):
        _add(answer.choice(index), choice.get("message") or {}, choice.get("finish_reason"), streams=False)
        answer.choice(index).logprobs = len((choice.get("logprobs") or {}).get("content") or [])
    return answer, violations


def next_turn(body, calls):
    """The client's request after this answer: every call has its result."""
    return {
        "model": "client-model",
        "messages": [
            {"role": "user", "content": "Go on."},
            json.loads(body)["choices"][0]["message"],
            *({"role": "tool", "tool_call_id": call.id, "content": "done"} for call in calls),
            *([] if calls else [{"role": "user", "content": "And then?"}]),
        ],
        "tools": [
            {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
            for name in dict.fromkeys(call.name for call in calls)
        ],
        "reasoning_effort": "medium",
    }


def stream(body):
    state, answer, violations = ChatCompletionStreamState(), Answer(), []
    events = sse.read(body)
    ends = [index for index, event in enumerate(events) if event.data == "[DONE]"]
    heads = set()
    for event in events:
        if event.data == "[DONE]":
            continue
        chunk = json.loads(event.data)
        if "error" in chunk and "choices" not in chunk:
            answer.error = json.dumps(chunk["error"])
            continue
        violations += shapes.check(chunk, ChatCompletionChunk)
        parsed = shapes.parse(lambda: state.handle_chunk(ChatCompletionChunk.model_validate(chunk)))
        violations += parsed
        heads.add((chunk.get("id"), chunk.get("model"), chunk.get("created")))
        answer.usage = usage(chunk.get("usage")) or answer.usage
        if answer.model is None and (chunk["choices"] or [{}])[0].get("delta", {}).get("role") != "assistant":
            violations.append("the first delta has no role")
        answer.model = chunk.get("model")
        for choice in chunk.get("choices") or []:
            target = answer.choice(choice.get("index") or 0)
            delta = choice.get("delta") or {}
            more = delta.get("content") or delta.get("tool_calls") or choice.get("finish_reason")
            if target.finish is not None and more:
                violations.append("a choice goes on after its finish_reason")
            _add(target, delta, choice.get("finish_reason"), streams=True)
            target.logprobs += len((choice.get("logprobs") or {}).get("content") or [])
    if len(heads) > 1:
        violations.append(f"chunks of different answers: {sorted(map(str, heads))[:3]}")
    violations += ends_wrongly(answer, ends, len(events))
    # The library raises on purpose for an answer that was cut.
    if answer.error is None and not any(choice.finish in ("length", "refusal") for choice in answer.choices):
        violations += shapes.parse(state.get_final_completion)
    for choice in answer.choices:
        for call in choice.calls:
            call.arguments = arguments(call.arguments)
    return answer, violations


def ends_wrongly(answer, ends, events):
    """`[DONE]` comes once and last, unless an error came in its place."""
    right = ends in ([], [events - 1]) if answer.error else ends == [events - 1]
    return [] if right else [f"[DONE] is at {ends} of {events} events"]


def _add(choice, message, finish, *, streams):
    choice.text += _text(message.get("content"))
    choice.refusal += message.get("refusal") or ""
    choice.reasoning += message.get("reasoning_content") or message.get("reasoning") or _thinking(message.get("content"))
    for call in message.get("tool_calls") or []:
        function = call.get("function") or call.get("custom") or {}
        said = function.get("arguments") or function.get("input") or ""
        at = call.get("index", len(choice.calls))
        if streams and at < len(choice.calls):
            choice.calls[at].arguments += said
            choice.calls[at].name += function.get("name") or ""
        else:
            choice.calls.append(Call(function.get("name") or "", said if streams else arguments(said), call.get("id")))
    details = message.get("reasoning_details") or []
    choice.seals += filter(None, [detail.get("signature") or detail.get("data") for detail in details])
    sealed = [(call.get("extra_content") or {}).get("google") or {} for call in message.get("tool_calls") or []]
    choice.seals += filter(None, [seal.get("thought_signature") for seal in sealed])
    choice.citations += len(message.get("annotations") or [])
    legacy = message.get("function_call")
    if legacy:
        choice.calls.append(Call(legacy.get("name"), arguments(legacy.get("arguments"))))
    if finish:
        choice.finish = FINISH.get(finish, finish)


def _text(content):
    """Mistral answers in parts, which nobody else does."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    return content or ""


def _thinking(content):
    parts = [part for part in content if part.get("type") == "thinking"] if isinstance(content, list) else []
    return "".join(_text(part["thinking"]) if isinstance(part["thinking"], list) else part["thinking"] for part in parts)


def usage(figures):
    if not figures:
        return None
    details = figures.get("prompt_tokens_details") or {}
    return {
        "input": figures.get("prompt_tokens"),
        "output": figures.get("completion_tokens"),
        "cached": details.get("cached_tokens"),
        "reasoning": (figures.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    }


def error(body):
    value = json.loads(body)
    members = value.get("error") if isinstance(value, dict) else None
    if not isinstance(members, dict) or set(value) != {"error"}:
        return [f"no error of OpenAI's: {value!r:.200}"]
    wrong = {"message", "type", "param", "code"} ^ set(members)
    found = [f"error: members differ: {sorted(wrong)}"] if wrong else []
    if not isinstance(members.get("message"), str) or not members["message"]:
        found.append("error.message: no text")
    return found + [
        f"error.{key}: {members[key]!r} is no text" for key in ("type", "param", "code")
        if members.get(key) is not None and not isinstance(members[key], str)
    ]
