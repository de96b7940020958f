"""An answer in the form of a schema."""

from forecast import EXAMPLE, SCHEMA, Forecast


def test_the_library_parses_it(cell):
    request = cell.request(cell.user("forecast"), schema=SCHEMA)
    if cell.limit:
        return cell.limit.holds(cell, request)
    assert cell.client.parse(request) == EXAMPLE
    assert Forecast.model_validate_json(cell.client.stream(request).text) == EXAMPLE
