"""Holds JSON against Google's discovery document, which knows the REST names and enums that the client library rewrites."""

import functools
import json

import recordings

# Sent and accepted in practice, and in the client library, but not in the document.
BESIDE = {
    "Candidate": {"logprobsResult", "avgLogprobs"},
    "Tool": {"googleMaps", "retrieval", "enterpriseWebSearch"},
    "Schema": {"additionalProperties", "$ref", "$defs", "ref", "defs"},
    "UsageMetadata": {"trafficType"},
}


@functools.cache
def _schemas():
    document = recordings.CORPUS / "specs" / "google-generativelanguage-discovery.json"
    return json.loads(document.read_text())["schemas"]


def check(value, name, path=""):
    """The violations of `value` as the schema `name`."""
    return _check(value, {"$ref": name}, path)


def _check(value, schema, path):
    if "$ref" in schema:
        return _check_message(value, schema["$ref"], path)
    kind = schema.get("type")
    if kind == "array":
        if not isinstance(value, list):
            return [f"{path}: {value!r:.40} is no list"]
        return [found for at, element in enumerate(value) for found in _check(element, schema["items"], f"{path}[{at}]")]
    if kind == "object":
        if not isinstance(value, dict):
            return [f"{path}: {value!r:.40} is no object"]
        items = schema.get("additionalProperties") or {"type": "any"}
        return [found for key, element in value.items() for found in _check(element, items, f"{path}.{key}")]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r:.60} is none of {schema['enum'][:6]}"]
    return [] if _is(value, kind, schema.get("format")) else [f"{path}: {value!r:.40} is no {kind}"]


def _check_message(value, name, path):
    schema = _schemas()[name]
    if "properties" not in schema:
        return []
    if not isinstance(value, dict):
        return [f"{path}: {value!r:.40} is no {name}"]
    found = []
    for key, element in value.items():
        member = schema["properties"].get(key)
        if member is not None:
            found += _check(element, member, f"{path}.{key}")
        elif key not in BESIDE.get(name, ()):
            found.append(f"{path}.{key}: unknown member of {name}")
    return found


def _is(value, kind, format):
    if kind == "string" and format in ("int64", "uint64"):
        return isinstance(value, (str, int))
    kinds = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}
    return kind == "any" or (isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool)))
