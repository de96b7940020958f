"""A picture in the question."""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_the_provider_sees_it(cell):
    request = cell.request(cell.user("look", PIXEL))
    if cell.limit:
        return cell.limit.holds(cell, request)
    assert cell.client.send(request).text == "You said: look [image/png]"
    # Google's library writes base64 as URLs have it.
    assert PIXEL in str(cell.received()).translate(str.maketrans("-_", "+/"))
