"""`POST /v1/responses`, on JSON, with the conversation kept by the client."""

import json

from answer import Answer, Call, compact

format = "openai_responses"


def user(text, image=None):
    content = [{"type": "input_text", "text": text}]
    if image is not None:
        content.append({"type": "input_image", "image_url": f"data:image/png;base64,{image}", "detail": "auto"})
    return [{"role": "user", "content": content if image else text}]


def results(answer, texts):
    return [
        {"type": "function_call_output", "call_id": call.id, "output": text} for call, text in zip(answer.calls, texts)
    ]


def request(model, turns, tools=(), one_call=False, schema=None, thinking=False):
    body = {"model": model, "input": turns, "store": False}
    if tools:
        body["tools"] = [{"type": "function", "strict": False, **tool} for tool in tools]
    if one_call:
        body["parallel_tool_calls"] = False
    if schema:
        body["text"] = {"format": {"type": "json_schema", "name": "forecast", "strict": True, "schema": schema}}
    if thinking:
        body |= {
            "reasoning": {"effort": "high", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "max_output_tokens": 8000,
        }
    return body


def read(response):
    items = compact(response["output"])
    usage = response.get("usage") or {}
    calls = [
        Call(item["name"], json.loads(item["arguments"]), item["call_id"]) for item in items if item["type"] == "function_call"
    ]
    return Answer(
        text="".join(part.get("text", "") for item in items if item["type"] == "message" for part in item["content"]),
        thinking="".join(part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]),
        calls=calls,
        ending=("calls" if calls else "stop") if response["status"] == "completed" else response["status"],
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        turn=items,
    )
