//! The smallest value that satisfies a JSON schema, for tool arguments and structured output.

use serde_json::{Map, Value, json};

/// An example: every property of an object, one item of an array, the first of several choices.
pub(crate) fn example(schema: &Value) -> Value {
    build(schema, schema, 0)
}

fn build(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > 16 {
        return Value::Null; // a schema that contains itself
    }
    if let Some(fixed) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
        return fixed.clone();
    }
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(pointer.trim_start_matches('#')).unwrap_or(&Value::Null);
        return build(target, root, depth + 1);
    }
    if let Some(choice) = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| schema.get(key)?.get(0)) {
        return build(choice, root, depth + 1);
    }
    let kind = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind));
    match kind.and_then(Value::as_str).unwrap_or("object") {
        "string" => json!("text"),
        "integer" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "number" => json!(1.5),
        "boolean" => json!(true),
        "null" => Value::Null,
        "array" => json!([build(&schema["items"], root, depth + 1)]),
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = properties.into_iter().flatten();
            Value::Object(
                members.map(|(name, member)| (name.clone(), build(member, root, depth + 1))).collect::<Map<_, _>>(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_every_kind() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 3},
                "unit": {"enum": ["celsius", "kelvin"]},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
                "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            },
            "$defs": {"tag": {"type": "boolean"}},
        });
        let expected = json!({"city": "text", "days": 3, "unit": "celsius", "tags": [true], "note": null});
        assert_eq!(example(&schema), expected);
    }
}
