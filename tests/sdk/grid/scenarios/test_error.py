"""A provider that fails: the library raises what its users catch."""

import pytest

# A provider that is overloaded says so with one of these.
OVERLOADED = {"anthropic_messages": 529}


@pytest.mark.parametrize("verb", ["send", "stream"])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, "overloaded"])
def test_an_error_before_the_answer(cell, status, verb):
    status = OVERLOADED.get(cell.upstream, 503) if status == "overloaded" else status
    request = cell.request(cell.user(f"please fail with {status}"))
    failure = cell.client.failure(lambda: getattr(cell.client, verb)(request))
    assert cell.client.EXCEPTIONS[503 if status == 529 else status] in failure.kinds, failure
    assert failure.status in ((503, 529) if status in (503, 529) else (status,)), failure
    assert failure.message
    if status in (429, 503, 529):
        assert failure.retry_after == "1"
    record = cell.record()
    assert (record["outcome"], record["provider_format"]) == ("provider_error", cell.upstream)


def test_an_error_in_the_middle_of_a_stream(cell):
    request = cell.request(cell.user("please break off while you count, please count to 9"))
    failure = cell.client.failure(lambda: cell.client.stream(request))
    assert cell.client.EXCEPTIONS["halfway"] in failure.kinds, failure
    assert cell.record()["outcome"] == "provider_error"
