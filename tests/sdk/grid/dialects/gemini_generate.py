"""`:generateContent` and `:streamGenerateContent`, on the library's own types."""

import base64

from answer import Answer, Call
from google.genai import types

format = "gemini_generate"


def user(text, image=None):
    parts = [types.Part.from_text(text=text)]
    if image is not None:
        parts.append(types.Part.from_bytes(data=base64.b64decode(image), mime_type="image/png"))
    return [types.Content(role="user", parts=parts)]


def results(answer, texts):
    # A result is an object, whose member `output` Google takes for all of it.
    def part(call, text):
        return types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": text}))

    return [types.Content(role="user", parts=[part(call, text) for call, text in zip(answer.calls, texts)])]


def request(model, turns, tools=(), one_call=False, schema=None, thinking=False):
    config = types.GenerateContentConfig()
    if tools:
        declarations = [
            types.FunctionDeclaration(
                name=tool["name"], description=tool["description"], parameters_json_schema=tool["parameters"]
            )
            for tool in tools
        ]
        config.tools = [types.Tool(function_declarations=declarations)]
    if schema:
        config.response_mime_type = "application/json"
        config.response_json_schema = schema
    if thinking:
        config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=2000)
        config.max_output_tokens = 8000
    return {"model": model, "contents": turns, "config": config}


def read(responses):
    """One response, or those of a stream, whose parts follow one another."""
    parts = []
    finish, usage = None, None
    for response in responses:
        [candidate] = response.candidates
        parts += candidate.content.parts or [] if candidate.content else []
        finish = candidate.finish_reason or finish
        usage = response.usage_metadata or usage
    calls = [part.function_call for part in parts if part.function_call]
    return Answer(
        text="".join(part.text for part in parts if part.text and not part.thought),
        thinking="".join(part.text for part in parts if part.text and part.thought),
        calls=[Call(call.name, call.args, call.id) for call in calls],
        ending="calls" if calls and finish == types.FinishReason.STOP else str(finish.value).lower() if finish else "",
        input_tokens=usage and usage.prompt_token_count,
        output_tokens=usage and (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        turn=[types.Content(role="model", parts=parts)],
    )
