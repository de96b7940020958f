"""Thinking over two turns with a tool in between: what the provider sealed comes back to it as it went."""

import nature
import pytest

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "weather", "description": "Looks up the weather.", "parameters": PARAMETERS}]
PROMPT = 'call weather {"city":"Oslo"}'
# Where each format keeps the seal of thinking that may be read, and of thinking that may not. The mock refuses one that is not as it made it.
SEALS = {
    "openai_responses": ("encrypted_content", "encrypted_content"),
    "anthropic_messages": ("signature", "data"),
    "gemini_generate": ("thoughtSignature", "thoughtSignature"),
    "bedrock_converse": ("signature", "redactedContent"),
}


@pytest.mark.parametrize("verb", ["send", "stream"])
@pytest.mark.parametrize("secret", [False, True], ids=["readable", "secret"])
def test_two_turns_with_a_tool(cell, secret, verb):
    prompt = PROMPT + " and please think in secret" * secret
    turns = cell.user(prompt)
    if cell.limit:
        return cell.limit.holds(cell, cell.request(turns, thinking=True))
    ask = getattr(cell.client, verb)
    first = ask(cell.request(turns, tools=TOOLS, thinking=True))
    shown = nature.shows_thinking(cell.client.dialect.format, cell.upstream, secret)
    assert first.thinking == (f"Thinking about: {prompt}" if shown else "")
    assert [(call.name, call.arguments) for call in first.calls] == [("weather", {"city": "Oslo"})]

    turns = [*turns, *first.turn, *cell.results(first, ["rain"])]
    second = ask(cell.request(turns, tools=TOOLS, thinking=True))
    assert second.text == "Results: rain"
    if cell.upstream in SEALS:
        assert list(members(cell.received(), SEALS[cell.upstream][secret])), f"no seal, losses: {cell.losses}"


def members(value, name):
    """Every member of this name, wherever it is."""
    if isinstance(value, dict):
        yield from (member for key, member in value.items() if key == name and member)
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from members(member, name)
