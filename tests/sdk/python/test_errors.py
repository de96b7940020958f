"""The client's typed exceptions, for refusals of the gateway and errors of providers."""

import os

import openai
import pytest


def ask(client, model, text="hello", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def test_authentication(client):
    for key, code in [("sk-wrong", "invalid_api_key"), (os.environ["TOLLGATE_REVOKED_KEY"], "revoked_api_key")]:
        with pytest.raises(openai.AuthenticationError) as error:
            ask(client.with_options(api_key=key), "gpt-4o")
        assert error.value.code == code
        assert error.value.status_code == 401


def test_permission(client):
    with pytest.raises(openai.PermissionDeniedError) as error:
        ask(client.with_options(api_key=os.environ["TOLLGATE_LIMITED_KEY"]), "claude")
    assert error.value.code == "model_not_allowed"


def test_not_found(client):
    with pytest.raises(openai.NotFoundError) as error:
        ask(client, "no-such-model")
    assert error.value.code == "model_not_found"
    assert error.value.param == "model"
    with pytest.raises(openai.NotFoundError):
        client.images.generate(prompt="a cat", model="gpt-4o")


def test_bad_request(client):
    with pytest.raises(openai.BadRequestError) as error:
        ask(client, "")
    assert error.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    "status, exception",
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_providers(client, model, status, exception, stream):
    with pytest.raises(exception) as error:
        ask(client, model, f'<mock>{{"status": {status}}}</mock>', stream=stream)
    assert error.value.status_code == status
    assert error.value.body["message"]


def test_an_error_in_the_middle_of_a_stream(client):
    text = '<mock>{"error_event": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}}</mock>'
    with pytest.raises(openai.APIError, match="Overloaded"):
        list(ask(client, "claude", text, stream=True))


def test_the_clients_own_retries(client):
    text = "hello again"
    assert ask(client.with_options(max_retries=2), "openai-then-claude", text).choices[0].message.content == f"You said: {text}"
