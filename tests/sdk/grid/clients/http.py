"""What the Python libraries have in common: the HTTP client below them, and exceptions with a response."""

import httpx2
import stack
from answer import Failure


class Python:
    def __init__(self):
        self.headers = {}
        self.http = httpx2.Client(event_hooks={"response": [self._note]}, timeout=stack.PATIENCE_S)

    def _note(self, response):
        self.headers = dict(response.headers)

    def failure(self, ask):
        """The exception that `ask` ends with."""
        try:
            answer = ask()
        except self.ERROR as error:
            kinds = {kind.__name__ for kind in type(error).__mro__}
            return Failure(kinds, self.status(error), str(error), self.headers.get("retry-after"))
        raise AssertionError(f"no exception, but {answer}")
