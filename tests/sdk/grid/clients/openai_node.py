"""OpenAI's library for Node, in a process of its own that takes one request a line and answers each with a line."""

import functools
import json
import pathlib
import subprocess

from answer import Answer, Failure
from dialects import openai_chat, openai_completions, openai_responses
from forecast import Forecast

from .openai_python import EXCEPTIONS

DRIVER = pathlib.Path(__file__).parents[2] / "node" / "driver.js"


class NodeError(Exception):
    pass


@functools.cache
def driver():
    return subprocess.Popen(["node", str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class OpenaiNode:
    EXCEPTIONS = EXCEPTIONS

    def __init__(self):
        self.headers = {}

    def call(self, verb, request):
        extra = request.get("extra_body", {})
        request = {name: value for name, value in request.items() if name != "extra_body"} | extra
        process = driver()
        print(json.dumps({"api": self.api, "verb": verb, "request": request}), file=process.stdin, flush=True)
        said = json.loads(process.stdout.readline())
        self.headers = said["headers"]
        if error := said.get("error"):
            raise NodeError(error)
        return said["result"]

    def failure(self, ask):
        """The exception that `ask` ends with."""
        try:
            answer = ask()
        except NodeError as error:
            [said] = error.args
            return Failure(set(said["kinds"]), said.get("status"), said["message"], self.headers.get("retry-after"))
        raise AssertionError(f"no exception, but {answer}")

    def send(self, request):
        return self.dialect.read(self.call("send", request))

    def parse(self, request):
        return Forecast.model_validate_json(self.send(request).text)

    def abandon(self, request):
        self.call("abandon", request)


class NodeChat(OpenaiNode):
    name = "node openai chat"
    dialect = openai_chat
    api = "chat"

    def stream(self, request):
        result = self.call("stream", request)
        answer = openai_chat.read(result["final"], result["thinking"])
        answer.pieces = result["pieces"]
        return answer


class NodeResponses(OpenaiNode):
    name = "node openai responses"
    dialect = openai_responses
    api = "responses"

    def stream(self, request):
        result = self.call("stream", request)
        answer = openai_responses.read(result["final"])
        answer.pieces = result["pieces"]
        return answer


class NodeCompletions(OpenaiNode):
    name = "node openai completions"
    dialect = openai_completions
    api = "completions"

    def stream(self, request):
        result = self.call("stream", request)
        usage = result["usage"] or {}
        return Answer(
            text="".join(result["pieces"]),
            ending=result["ending"],
            input_tokens=usage.get("prompt_tokens"),
            output_tokens=usage.get("completion_tokens"),
            pieces=result["pieces"],
        )
