"""A client of the running stack, and the models that every test runs against."""

import os

import openai
import pytest

MODELS = {"openai format": "gpt-4o", "anthropic format": "claude"}


@pytest.fixture
def client():
    return openai.OpenAI(base_url=os.environ["TOLLGATE_URL"], api_key=os.environ["TOLLGATE_KEY"], max_retries=0)


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def model(request):
    return request.param
