"""Tools over two turns."""

import nature
import pytest


def tool(name):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"name": name, "description": f"Looks up the {name}.", "parameters": parameters}


TOOLS = [tool("weather"), tool("clock")]
PROMPT = 'call weather {"city":"Oslo"} and call clock {"city":"Rome"}'
CALLS = [("weather", {"city": "Oslo"}), ("clock", {"city": "Rome"})]


@pytest.mark.parametrize("verb", ["send", "stream"])
def test_two_turns_with_parallel_calls(cell, verb):
    turns = cell.user(PROMPT)
    if cell.limit:
        return cell.limit.holds(cell, cell.request(turns, tools=TOOLS))
    ask = getattr(cell.client, verb)
    first = ask(cell.request(turns, tools=TOOLS))
    assert [(call.name, call.arguments) for call in first.calls] == CALLS
    assert first.ending == "calls"

    turns = [*turns, *first.turn, *cell.results(first, ["rain", "noon"])]
    second = ask(cell.request(turns, tools=TOOLS))
    assert (second.text, second.ending, second.calls) == ("Results: rain; noon", "stop", [])


def test_one_call_at_a_time(cell):
    can_ask, loss = nature.one_call(cell.client.dialect.format, cell.upstream)
    if cell.limit or not can_ask:
        return
    first = cell.client.send(cell.request(cell.user(PROMPT), tools=TOOLS, one_call=True))
    assert [(call.name, call.arguments) for call in first.calls] == (CALLS if loss else CALLS[:1])
    assert (loss or "") in cell.losses
