"""OpenAI's library for Python."""

import openai
import stack
from answer import Answer
from dialects import openai_chat, openai_completions, openai_responses
from forecast import Forecast

from .http import Python

EXCEPTIONS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
    "halfway": "APIError",
}


class OpenaiPython(Python):
    ERROR = openai.APIError
    EXCEPTIONS = EXCEPTIONS

    def __init__(self):
        super().__init__()
        self.client = openai.OpenAI(
            base_url=f"{stack.URL}/v1", api_key=stack.KEY, max_retries=0, default_headers=stack.DEBUG, http_client=self.http
        )

    def status(self, error):
        return getattr(error, "status_code", None)


class PythonChat(OpenaiPython):
    name = "python openai chat"
    dialect = openai_chat

    def send(self, request):
        return openai_chat.read(self.client.chat.completions.create(**request).to_dict())

    def stream(self, request):
        pieces, thinking = [], []
        with self.client.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "content.delta":
                    pieces.append(event.delta)
                elif event.type == "chunk" and event.chunk.choices:
                    thinking.append(getattr(event.chunk.choices[0].delta, "reasoning_content", None) or "")
            answer = openai_chat.read(stream.get_final_completion().to_dict(), "".join(thinking))
        answer.pieces = pieces
        return answer

    def parse(self, request):
        parsed = self.client.chat.completions.parse(**request | {"response_format": Forecast})
        return parsed.choices[0].message.parsed

    def abandon(self, request):
        stream = self.client.chat.completions.create(**request, stream=True)
        next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        stream.close()


class PythonResponses(OpenaiPython):
    name = "python openai responses"
    dialect = openai_responses

    def send(self, request):
        return openai_responses.read(self.client.responses.create(**request).to_dict())

    def stream(self, request):
        with self.client.responses.stream(**request) as stream:
            pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
            answer = openai_responses.read(stream.get_final_response().to_dict())
        answer.pieces = pieces
        return answer

    def parse(self, request):
        without_schema = {name: value for name, value in request.items() if name != "text"}
        return self.client.responses.parse(**without_schema, text_format=Forecast).output_parsed

    def abandon(self, request):
        stream = self.client.responses.create(**request, stream=True)
        next(event for event in stream if event.type == "response.output_text.delta")
        stream.close()


class PythonCompletions(OpenaiPython):
    name = "python openai completions"
    dialect = openai_completions

    def send(self, request):
        return openai_completions.read(self.client.completions.create(**request).to_dict())

    def stream(self, request):
        options = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = list(self.client.completions.create(**request, **options))
        choices = [choice for chunk in chunks for choice in chunk.choices]
        usage = chunks[-1].usage
        return Answer(
            text="".join(choice.text for choice in choices),
            ending=choices[-1].finish_reason,
            input_tokens=usage and usage.prompt_tokens,
            output_tokens=usage and usage.completion_tokens,
            pieces=[choice.text for choice in choices if choice.text],
        )

    def parse(self, request):
        return Forecast.model_validate_json(self.send(request).text)

    def abandon(self, request):
        stream = self.client.completions.create(**request, stream=True)
        next(chunk for chunk in stream if chunk.choices and chunk.choices[0].text)
        stream.close()
