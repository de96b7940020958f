"""The structured output that is asked for, as a type of pydantic's and as a schema. The mock answers with its smallest example."""

import pydantic


class Forecast(pydantic.BaseModel):
    city: str
    days: int
    sunny: bool


EXAMPLE = Forecast(city="text", days=1, sunny=True)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "sunny": {"type": "boolean"}},
    "required": ["city", "days", "sunny"],
    "additionalProperties": False,
}
