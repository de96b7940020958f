"""Anthropic's library for Python."""

import anthropic
import stack
from dialects import anthropic_messages
from forecast import Forecast

from .http import Python


class Anthropic(Python):
    name = "python anthropic"
    dialect = anthropic_messages
    ERROR = anthropic.APIError
    EXCEPTIONS = {
        400: "BadRequestError",
        401: "AuthenticationError",
        404: "NotFoundError",
        429: "RateLimitError",
        500: "InternalServerError",
        503: "InternalServerError",
        "halfway": "APIStatusError",
    }

    def __init__(self):
        super().__init__()
        self.client = anthropic.Anthropic(
            base_url=stack.URL, api_key=stack.KEY, max_retries=0, default_headers=stack.DEBUG, http_client=self.http
        )

    def status(self, error):
        return getattr(error, "status_code", None)

    def send(self, request):
        return anthropic_messages.read(self.client.messages.create(**request))

    def stream(self, request):
        with self.client.messages.stream(**request) as stream:
            pieces = [event.text for event in stream if event.type == "text"]
            answer = anthropic_messages.read(stream.get_final_message())
        answer.pieces = pieces
        return answer

    def parse(self, request):
        without_schema = {name: value for name, value in request.items() if name != "output_config"}
        return self.client.messages.parse(**without_schema, output_format=Forecast).parsed_output

    def abandon(self, request):
        stream = self.client.messages.create(**request, stream=True)
        next(event for event in stream if event.type == "content_block_delta" and event.delta.type == "text_delta")
        stream.close()
