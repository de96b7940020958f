"""One cell of the grid: a client in front of a provider."""

import clients
import nature
import stack

# What providers speak; the stack has the models `grid-FORMAT` and `grid-FORMAT-thinking` for each.
UPSTREAMS = [
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "anthropic_messages",
    "gemini_generate",
    "bedrock_converse",
]
SCENARIOS = ["plain", "streaming", "tools", "structured", "image", "thinking", "error", "abort"]

provider = stack.Provider()


def selected(scenario):
    """The cells of a scenario in `make test`: each client at two providers.

    From one scenario to the next each client moves on to the next provider. There are at least as many scenarios, and as many clients, as
    providers; so every two of client, provider and scenario meet. The second provider is there so that no scenario is left to clients and
    providers of the same format.
    """
    turn = SCENARIOS.index(scenario)
    return [
        (client, UPSTREAMS[(number + turn + further) % len(UPSTREAMS)])
        for number, client in enumerate(clients.ALL)
        for further in (0, 3)
    ]


def every(_scenario):
    return [(client, upstream) for client in clients.ALL for upstream in UPSTREAMS]


class Cell:
    def __init__(self, client, upstream, scenario):
        self.client = client
        self.upstream = upstream
        self.model = f"grid-{upstream}"
        self.limit = nature.limit(scenario, client.dialect.format, upstream)
        provider.forget()

    def request(self, turns, **more):
        model = self.model + "-thinking" if more.get("thinking") else self.model
        return self.client.dialect.request(model, turns, **more)

    def user(self, text, image=None):
        return self.client.dialect.user(text, image)

    def results(self, answer, texts):
        return self.client.dialect.results(answer, texts)

    @property
    def losses(self):
        """What the translation of the last request lost, as it was declared."""
        return self.client.headers.get("x-tollgate-losses", "")

    def record(self):
        """The usage record of the last exchange."""
        return stack.record(self.client.headers["x-tollgate-exchange"])

    def received(self):
        """The provider's last request."""
        body, _ = provider.requests()[-1]
        return body

    def wait_for_end(self, ending):
        """Until the provider's last response has ended like this."""
        stack.eventually(lambda: provider.requests()[-1][1] == ending, f"a response that is {ending}")
