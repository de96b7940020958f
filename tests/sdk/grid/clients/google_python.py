"""Google's library for Python."""

import stack
from dialects import gemini_generate
from google import genai
from google.genai import errors, types
from forecast import Forecast

from .http import Python


class Google(Python):
    name = "python google-genai"
    dialect = gemini_generate
    ERROR = errors.APIError
    EXCEPTIONS = {
        400: "ClientError",
        401: "ClientError",
        404: "ClientError",
        429: "ClientError",
        500: "ServerError",
        503: "ServerError",
        "halfway": "APIError",
    }

    def __init__(self):
        super().__init__()
        options = types.HttpOptions(base_url=stack.URL, headers=stack.DEBUG, httpx_client=self.http)
        self.client = genai.Client(api_key=stack.KEY, http_options=options)

    def status(self, error):
        return error.code

    def send(self, request):
        return gemini_generate.read([self.client.models.generate_content(**request)])

    def stream(self, request):
        responses = list(self.client.models.generate_content_stream(**request))
        answer = gemini_generate.read(responses)
        parts = [part for response in responses for part in response.parts or []]
        answer.pieces = [part.text for part in parts if part.text and not part.thought]
        return answer

    def parse(self, request):
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Forecast)
        return self.client.models.generate_content(**request | {"config": config}).parsed

    def abandon(self, request):
        stream = self.client.models.generate_content_stream(**request)
        next(response for response in stream if response.text)
        stream.close()
