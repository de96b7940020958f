"""Tool calls over two turns, in parallel and streamed."""

import json

PROMPT = 'call weather {"city":"Oslo"} and call clock {"city":"Rome"}'


def tool(name):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": parameters}}


TOOLS = [tool("weather"), tool("clock")]
MESSAGES = [{"role": "user", "content": PROMPT}]


def test_two_turns_with_parallel_calls(client, model):
    first = client.chat.completions.create(model=model, messages=MESSAGES, tools=TOOLS)
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]
    assert calls == [("weather", {"city": "Oslo"}), ("clock", {"city": "Rome"})]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": content}
        for call, content in zip(message.tool_calls, ["rain", "noon"])
    ]
    second = client.chat.completions.create(
        model=model, messages=[*MESSAGES, message.model_dump(exclude_none=True), *results], tools=TOOLS
    )
    assert second.choices[0].message.content == "Results: rain; noon"
    assert second.choices[0].finish_reason == "stop"


def test_streamed_calls(client, model):
    with client.chat.completions.stream(model=model, messages=MESSAGES, tools=TOOLS) as stream:
        final = stream.get_final_completion()
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in final.choices[0].message.tool_calls]
    assert calls == [("weather", {"city": "Oslo"}), ("clock", {"city": "Rome"})]
    assert final.choices[0].finish_reason == "tool_calls"


def test_one_call_at_a_time_and_by_name(client, model):
    one = client.chat.completions.create(model=model, messages=MESSAGES, tools=TOOLS, parallel_tool_calls=False)
    assert len(one.choices[0].message.tool_calls) == 1
    choice = {"type": "function", "function": {"name": "clock"}}
    messages = [{"role": "user", "content": "go"}]
    named = client.chat.completions.create(model=model, messages=messages, tools=TOOLS, tool_choice=choice)
    assert [call.function.name for call in named.choices[0].message.tool_calls] == ["clock"]
    none = client.chat.completions.create(model=model, messages=MESSAGES, tools=TOOLS, tool_choice="none")
    assert none.choices[0].message.tool_calls is None
