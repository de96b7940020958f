"""`POST /v1/completions`, on JSON: a prompt and its continuation. What the format has no word for is written as a chat has it."""

from answer import Answer

from . import openai_chat

format = "openai_completions"


def user(text, image=None):
    return [text] if image is None else openai_chat.user(text, image)


def request(model, turns, **more):
    if isinstance(turns[0], str):
        [prompt] = turns
    else:
        prompt = turns[0]["content"]
    body = {"model": model, "prompt": prompt, "max_tokens": 400}
    extra = openai_chat.request(model, [], **more)
    extra = {name: value for name, value in extra.items() if name not in ("model", "messages", "max_completion_tokens")}
    return {**body, "extra_body": extra} if extra else body


def read(completion):
    [choice] = completion["choices"]
    usage = completion.get("usage") or {}
    return Answer(
        text=choice["text"],
        ending=choice["finish_reason"],
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )
