"""The running stack, as `tollgate-stack` describes it in the environment."""

import base64
import json
import os
import time
import urllib.request

URL = os.environ["TOLLGATE_URL"].removesuffix("/v1")
KEY = os.environ["TOLLGATE_KEY"]
# Asks for the exchange's id and for what its translation lost.
DEBUG = {"x-tollgate-debug": "1"}
PATIENCE_S = 30


class Provider:
    """The mock behind every upstream format."""

    def forget(self):
        _call("DELETE", os.environ["MOCK_GRID_URL"] + "/__mock/requests")

    def requests(self):
        """Bodies of the requests received, in their order, and how each response ended."""
        received = _call("GET", os.environ["MOCK_GRID_URL"] + "/__mock/requests")
        return [(json.loads(base64.b64decode(entry["body_base64"])), entry["ending"]) for entry in received["requests"]]


def record(exchange):
    """The usage record of an exchange, once it is there."""
    url = os.environ["TOLLGATE_API_URL"] + "/api/v1/usage?limit=20"
    authorization = {"authorization": f"Bearer {os.environ['TOLLGATE_ADMIN_TOKEN']}"}
    return eventually(
        lambda: next(
            (record for record in _call("GET", url, authorization)["records"] if record["exchange_id"] == exchange), None
        ),
        f"a usage record of {exchange}",
    )


def eventually(ask, what):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} does not come")


def _call(method, url, headers=None):
    request = urllib.request.Request(url, method=method, headers=headers or {})
    with urllib.request.urlopen(request) as response:
        body = response.read()
    return json.loads(body) if body else None
