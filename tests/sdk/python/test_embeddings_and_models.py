"""Embeddings in both encodings, and the list of models."""

import openai
import pytest


def test_embeddings(client):
    # The client asks for base64 and decodes it, unless told otherwise.
    default = client.embeddings.create(model="embed-small", input=["one", "two"])
    plain = client.embeddings.create(model="embed-small", input=["one", "two"], encoding_format="float")
    assert len(default.data) == 2
    assert all(isinstance(number, float) for number in default.data[1].embedding)
    assert default.data[1].embedding == plain.data[1].embedding
    assert default.usage.prompt_tokens == 2
    assert len(client.embeddings.create(model="embed-small", input="one", dimensions=4).data[0].embedding) == 4


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert {"gpt-4o", "claude", "embed-small"} <= set(names)
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
