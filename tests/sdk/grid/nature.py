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


def limit(scenario, client, upstream):
    """What a scenario comes to at this pair; nothing where both can say all of it."""
    return None
