"""Chat completions: whole, streamed, structured, with images."""

import asyncio
import os

import openai
import pydantic

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def user(content):
    return [{"role": "user", "content": content}]


def test_whole(client, model):
    completion = client.chat.completions.create(model=model, messages=user("hello"))
    assert completion.object == "chat.completion"
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].message.content == "You said: hello"
    assert completion.choices[0].finish_reason == "stop"
    usage = completion.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_stream_without_usage(client, model):
    chunks = list(client.chat.completions.create(model=model, messages=user("hello there"), stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: hello there"
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_stream_with_usage(client, model):
    stream = client.chat.completions.create(
        model=model, messages=user("hello"), stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert all(chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0


def test_stream_helper_accumulates(client, model):
    with client.chat.completions.stream(model=model, messages=user("hello")) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content == "You said: hello"


def test_instructions_caps_and_stops(client, model):
    completion = client.chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, *user("one two END three")],
        stop=["END"],
        temperature=0.2,
        max_completion_tokens=100,
    )
    assert completion.choices[0].message.content == "You said: one two "
    assert completion.choices[0].finish_reason == "stop"
    capped = client.chat.completions.create(model=model, messages=user("one two three four"), max_tokens=2)
    assert capped.choices[0].finish_reason == "length"


def test_structured_output(client, model):
    class Forecast(pydantic.BaseModel):
        city: str
        days: int
        sunny: bool

    completion = client.chat.completions.parse(model=model, messages=user("forecast"), response_format=Forecast)
    assert completion.choices[0].message.parsed == Forecast(city="text", days=1, sunny=True)


def test_image(client, model):
    content = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    completion = client.chat.completions.create(model=model, messages=user(content))
    assert completion.choices[0].message.content == "You said: look [image/png]"


def test_reasoning(client):
    completion = client.chat.completions.create(
        model="claude", messages=user("why"), reasoning_effort="high", max_completion_tokens=4000
    )
    assert completion.choices[0].message.reasoning_content == "Thinking about: why"
    assert completion.choices[0].message.content == "You said: why"


def test_async_client(model):
    async def ask():
        url, key = os.environ["TOLLGATE_URL"], os.environ["TOLLGATE_KEY"]
        async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
            texts = [f"number {number}" for number in range(8)]
            calls = [client.chat.completions.create(model=model, messages=user(text)) for text in texts]
            return texts, await asyncio.gather(*calls)

    texts, completions = asyncio.run(ask())
    assert [completion.choices[0].message.content for completion in completions] == [f"You said: {text}" for text in texts]
