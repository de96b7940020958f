"""What a pair of formats cannot do by its nature, and what a client is told then."""


class Refused:
    """A 400 of the client's own kind, whose message names what cannot be said."""

    def __init__(self, *words):
        self.words = words

    def holds(self, cell, request):
        for verb in (cell.client.send, cell.client.stream):
            failure = cell.client.failure(lambda: verb(request))
            assert failure.status == 400 and cell.client.EXCEPTIONS[400] in failure.kinds, failure
            assert all(word in failure.message for word in self.words), failure


class Lost:
    """An answer without it, and a loss that names the member."""

    def __init__(self, *members):
        self.members = members

    def holds(self, cell, request):
        for verb in (cell.client.send, cell.client.stream):
            answer = verb(request)
            assert answer.text.startswith("You said: ") and not answer.calls, answer
            assert all(member in cell.losses for member in self.members), cell.losses


COMPLETIONS = "openai_completions"

# What each client format calls it. Completions have no word for any of it; their clients try a chat's.
NAMES = {
    "openai_chat": {"tools": "tools", "structured": "response_format", "thinking": "reasoning_effort"},
    "openai_responses": {"tools": "tools", "structured": "text.format", "thinking": "reasoning"},
    "openai_completions": {"tools": "tools", "structured": "response_format", "thinking": "reasoning_effort"},
    "anthropic_messages": {"tools": "tools", "structured": "output_config.format", "thinking": "thinking"},
    "gemini_generate": {"tools": "tools", "structured": "generationConfig.responseJsonSchema", "thinking": "generationConfig.thinkingConfig"},
}

# How each client format forbids calls in parallel.
ONE_CALL = {
    "openai_chat": "parallel_tool_calls",
    "openai_responses": "parallel_tool_calls",
    "anthropic_messages": "tool_choice.disable_parallel_tool_use",
}


def limit(scenario, client, upstream):
    """What a scenario comes to at this pair; nothing where both can say all of it."""
    if COMPLETIONS not in (client, upstream):
        return None
    if scenario == "image":
        # A prompt of a completion is text, on both sides.
        return Refused("prompt" if client == upstream else "text")
    name = NAMES[client].get(scenario)
    if name is None:
        return None
    # The provider's own refusal of a member that it does not know.
    return Refused(name) if client == upstream else Lost(name)


def one_call(client, upstream):
    """Whether `client` can forbid calls in parallel, and the loss if `upstream` cannot be told of it."""
    return client in ONE_CALL, ONE_CALL.get(client) if upstream == "gemini_generate" else None


def shows_thinking(client, upstream, secret):
    """Whether the client gets to read it. A chat's provider has no secrets; OpenAI's responses sum thinking up only when asked to, for which
    a chat has no member."""
    if secret:
        return upstream == "openai_chat"
    return (client, upstream) != ("openai_chat", "openai_responses")
