"""An answer that comes piece by piece."""


def test_pieces_add_up_and_usage_comes_last(cell):
    answer = cell.client.stream(cell.request(cell.user("please count to 9")))
    assert answer.text == "".join(answer.pieces) == "1 2 3 4 5 6 7 8 9"
    assert len(answer.pieces) > 3
    assert (answer.ending, answer.calls) == ("stop", [])
    assert answer.input_tokens > 0 and answer.output_tokens > 0

    record = cell.record()
    assert (record["outcome"], record["provenance"], record["stream"]) == ("success", "reported", True)
    assert (record["input"], record["output"]) == (answer.input_tokens, answer.output_tokens)
