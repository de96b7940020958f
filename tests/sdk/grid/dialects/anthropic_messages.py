"""`POST /v1/messages`, on the library's own types."""

from answer import Answer, Call

format = "anthropic_messages"

ENDINGS = {"end_turn": "stop", "tool_use": "calls"}


def user(text, image=None):
    content = [{"type": "text", "text": text}]
    if image is not None:
        content.append({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": image}})
    return [{"role": "user", "content": content if image else text}]


def results(answer, texts):
    blocks = [
        {"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in zip(answer.calls, texts)
    ]
    return [{"role": "user", "content": blocks}]


def request(model, turns, tools=(), one_call=False, schema=None, thinking=False):
    body = {"model": model, "messages": turns, "max_tokens": 4000}
    if tools:
        body["tools"] = [
            {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]} for tool in tools
        ]
    if one_call:
        body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    if schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if thinking:
        body |= {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 8000}
    return body


def read(message):
    blocks = message.content
    usage = message.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return Answer(
        text="".join(block.text for block in blocks if block.type == "text"),
        thinking="".join(block.thinking for block in blocks if block.type == "thinking"),
        calls=[Call(block.name, block.input, block.id) for block in blocks if block.type == "tool_use"],
        ending=ENDINGS.get(message.stop_reason, message.stop_reason),
        input_tokens=usage.input_tokens + cached,
        output_tokens=usage.output_tokens,
        turn=[{"role": "assistant", "content": blocks}],
    )
