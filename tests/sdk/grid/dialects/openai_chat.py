"""`POST /v1/chat/completions`, on JSON."""

import json

from answer import Answer, Call, compact

format = "openai_chat"

ENDINGS = {"stop": "stop", "tool_calls": "calls"}


def user(text, image=None):
    if image is None:
        return [{"role": "user", "content": text}]
    url = f"data:image/png;base64,{image}"
    return [{"role": "user", "content": [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]}]


def results(answer, texts):
    return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in zip(answer.calls, texts)]


def request(model, turns, tools=(), one_call=False, schema=None, thinking=False):
    body = {"model": model, "messages": turns}
    if tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in tools]
    if one_call:
        body["parallel_tool_calls"] = False
    if schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "forecast", "strict": True, "schema": schema}}
    if thinking:
        body |= {"reasoning_effort": "high", "max_completion_tokens": 8000}
    return body


def read(completion, thinking=""):
    """`thinking` is what a stream brought of it, since the libraries accumulate only members that OpenAI knows."""
    [choice] = completion["choices"]
    message = compact(choice["message"])
    if thinking:
        message["reasoning_content"] = thinking
    for call in message.get("tool_calls") or []:
        call.pop("index", None)  # left there by the library's own accumulator; no member of a request
    usage = completion.get("usage") or {}
    return Answer(
        text=message.get("content") or "",
        thinking=message.get("reasoning_content") or "",
        calls=[
            Call(call["function"]["name"], json.loads(call["function"]["arguments"]), call["id"])
            for call in message.get("tool_calls") or []
        ],
        ending=ENDINGS.get(choice["finish_reason"], choice["finish_reason"]),
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        turn=[message],
    )
