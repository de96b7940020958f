"""A client that goes away."""


def test_a_stream_that_is_left_ends_the_providers_too(cell):
    cell.client.abandon(cell.request(cell.user("please count to 9000, please go slowly")))
    record = cell.record()
    assert (record["outcome"], record["stream"], record["provider_format"]) == ("client_abort", True, cell.upstream)
    cell.wait_for_end("abandoned")
