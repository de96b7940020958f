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


# How each client format forbids calls in parallel.
ONE_CALL = {
    "openai_chat": "parallel_tool_calls",
    "openai_responses": "parallel_tool_calls",
    "anthropic_messages": "tool_choice.disable_parallel_tool_use",
}


def limit(scenario, client, upstream):
    """What a scenario comes to at this pair; nothing where both can say all of it."""
    return None


def one_call(client, upstream):
    """Whether `client` can forbid calls in parallel, and the loss if `upstream` cannot be told of it."""
    return client in ONE_CALL, ONE_CALL.get(client) if upstream == "gemini_generate" else None


def shows_thinking(client, upstream):
    """OpenAI sums its reasoning up only when asked to, for which a chat has no member."""
    return (client, upstream) != ("openai_chat", "openai_responses")
