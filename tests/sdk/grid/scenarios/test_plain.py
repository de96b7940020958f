"""A question and its answer."""


def test_an_answer_and_its_usage(cell):
    answer = cell.client.send(cell.request(cell.user("hello there")))
    assert (answer.text, answer.ending, answer.calls) == ("You said: hello there", "stop", [])
    assert answer.input_tokens > 0 and answer.output_tokens > 0

    record = cell.record()
    assert (record["client_format"], record["provider_format"]) == (cell.client.dialect.format, cell.upstream)
    assert (record["outcome"], record["provenance"]) == ("success", "reported")
    assert (record["input"], record["output"]) == (answer.input_tokens, answer.output_tokens)
