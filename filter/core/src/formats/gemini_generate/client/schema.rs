//! Google's own kind of schema as a JSON schema.

use std::borrow::Cow;

use crate::formats::gemini_generate::wire::spelling::camel;
use crate::json::Node;

/// A schema in Google's dialect (<https://ai.google.dev/api/caching#Schema>) as the JSON Schema that it means.
///
/// Types are in capitals there, `nullable` stands for a type of null, limits are strings, and `propertyOrdering` says the
/// order that JSON Schema leaves to the order of `properties`. A schema that is JSON Schema already, as many clients send it
/// in this place, comes out with the same meaning. Names of properties are never touched.
pub(super) fn to_json_schema(schema: Node<'_>) -> String {
    let mut out = String::with_capacity(schema.text().len());
    write_schema(schema, 0, &mut out);
    out
}

/// Deeper schemas are copied as they are.
const MAX_DEPTH: usize = 32;

fn write_schema(schema: Node<'_>, depth: usize, out: &mut String) {
    let Some(members) = schema.members().filter(|_| depth < MAX_DEPTH) else {
        out.push_str(schema.text());
        return;
    };
    let members: Vec<_> = members.into_iter().map(|(key, value)| (camel_keyword(key), value)).collect();
    let find = |wanted: &str| members.iter().find(|(key, _)| key == wanted).map(|(_, value)| *value);
    let nullable = find("nullable").and_then(Node::boolean) == Some(true);
    let ordering = find("propertyOrdering").and_then(Node::elements).unwrap_or_default();
    let mut object = Object::begin(out);
    for (key, value) in &members {
        match &**key {
            "nullable" | "propertyOrdering" => {}
            "type" => write_type(*value, nullable, &mut object),
            // Not a format but a word that Google's clients put beside `enum`.
            "format" if value.text() == "\"enum\"" => {}
            "enum" if nullable => write_list(*value, "null", &mut object, |value, out| out.push_str(value.text())),
            "anyOf" | "oneOf" if nullable && find("type").is_none() => {
                object.key(key);
                write_schemas(*value, Some("{\"type\":\"null\"}"), depth, object.out);
            }
            "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
                object.key(key);
                write_schemas(*value, None, depth, object.out);
            }
            "items" | "additionalProperties" | "not" => {
                object.key(key);
                write_schema(*value, depth.saturating_add(1), object.out);
            }
            "properties" | "$defs" | "definitions" => {
                object.key(key);
                write_named(*value, &ordering, depth, object.out);
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                object.key(key);
                match value.string().filter(|text| text.parse::<u64>().is_ok()) {
                    Some(number) => object.out.push_str(&number),
                    None => object.out.push_str(value.text()),
                }
            }
            "example" => {
                object.key("examples");
                object.out.push('[');
                object.out.push_str(value.text());
                object.out.push(']');
            }
            _ => {
                object.key(key);
                object.out.push_str(value.text());
            }
        }
    }
    object.end();
}

/// Keywords of Google's dialect in either spelling; others, `$ref` for one, as they are.
fn camel_keyword(key: Cow<'_, str>) -> Cow<'_, str> {
    match &*key {
        "any_of" | "min_length" | "max_length" | "min_items" | "max_items" | "min_properties" | "max_properties"
        | "property_ordering" => camel(key),
        _ => key,
    }
}

fn write_type(value: Node<'_>, nullable: bool, object: &mut Object<'_>) {
    let Some(name) = value.string().or_else(|| numbered_type(value).map(Cow::Borrowed)) else {
        object.key("type");
        object.out.push_str(value.text());
        return;
    };
    let name = name.to_ascii_lowercase();
    if name == "type_unspecified" {
        return;
    }
    object.key("type");
    let name = serde_json::to_string(&name).unwrap_or_default();
    match nullable {
        true => object.out.push_str(&format!("[{name},\"null\"]")),
        false => object.out.push_str(&name),
    }
}

/// The type behind a number, as clients of gRPC's kind send it (<https://ai.google.dev/api/caching#Type>).
fn numbered_type(value: Node<'_>) -> Option<&'static str> {
    let number = usize::try_from(value.whole()?).ok()?;
    let types = ["type_unspecified", "string", "number", "integer", "boolean", "array", "object", "null"];
    types.get(number).copied()
}

fn write_list(value: Node<'_>, last: &str, object: &mut Object<'_>, write: impl Fn(Node<'_>, &mut String)) {
    object.key("enum");
    object.out.push('[');
    for value in value.elements().unwrap_or_default() {
        write(value, object.out);
        object.out.push(',');
    }
    object.out.push_str(last);
    object.out.push(']');
}

fn write_schemas(value: Node<'_>, last: Option<&str>, depth: usize, out: &mut String) {
    out.push('[');
    let mut separator = "";
    for schema in value.elements().unwrap_or_default() {
        out.push_str(separator);
        separator = ",";
        write_schema(schema, depth.saturating_add(1), out);
    }
    if let Some(last) = last {
        out.push_str(separator);
        out.push_str(last);
    }
    out.push(']');
}

/// Schemas by name, those that the ordering names first.
fn write_named(value: Node<'_>, ordering: &[Node<'_>], depth: usize, out: &mut String) {
    let Some(mut members) = value.members() else {
        out.push_str(value.text());
        return;
    };
    if !ordering.is_empty() {
        let places: std::collections::BTreeMap<_, _> =
            ordering.iter().enumerate().filter_map(|(place, name)| Some((name.string()?, place))).collect();
        members.sort_by_key(|(name, _)| places.get(name).copied().unwrap_or(usize::MAX));
    }
    let mut object = Object::begin(out);
    for (name, schema) in members {
        object.key(&name);
        write_schema(schema, depth.saturating_add(1), object.out);
    }
    object.end();
}

/// An object being written.
struct Object<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    fn key(&mut self, key: &str) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        self.out.push_str(&serde_json::to_string(key).unwrap_or_default());
        self.out.push(':');
    }

    fn end(self) {
        self.out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(schema: &str) -> String {
        to_json_schema(Node::parse(schema.as_bytes()).unwrap())
    }

    #[test]
    fn types_lose_their_capitals_and_limits_their_quotes() {
        assert_eq!(
            converted(
                r#"{"type":"OBJECT","properties":{"TYPE":{"type":"STRING","minLength":"2","format":"enum","enum":["A"]},
                "list":{"type":"ARRAY","items":{"type":"INTEGER","format":"int32"},"max_items":"3"}},"required":["TYPE"]}"#
            ),
            r#"{"type":"object","properties":{"TYPE":{"type":"string","minLength":2,"enum":["A"]},"list":{"type":"array","items":{"type":"integer","format":"int32"},"maxItems":3}},"required":["TYPE"]}"#,
        );
    }

    #[test]
    fn types_may_be_numbers() {
        assert_eq!(
            converted(r#"{"type":6,"properties":{"a":{"type":1,"nullable":true},"b":{"type":0},"c":{"type":9}}}"#),
            r#"{"type":"object","properties":{"a":{"type":["string","null"]},"b":{},"c":{"type":9}}}"#
        );
    }

    #[test]
    fn nullable_becomes_a_type_of_null() {
        assert_eq!(converted(r#"{"type":"STRING","nullable":true}"#), r#"{"type":["string","null"]}"#);
        assert_eq!(
            converted(r#"{"nullable":true,"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}"#),
            r#"{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}"#
        );
        assert_eq!(
            converted(r#"{"type":"STRING","enum":["a"],"nullable":true}"#),
            r#"{"type":["string","null"],"enum":["a",null]}"#
        );
        assert_eq!(converted(r#"{"type":"STRING","nullable":false}"#), r#"{"type":"string"}"#);
    }

    #[test]
    fn the_stated_order_of_properties_becomes_their_order() {
        assert_eq!(
            converted(
                r#"{"type":"OBJECT","properties":{"b":{},"a":{},"nullable":{}},"propertyOrdering":["nullable","a"]}"#
            ),
            r#"{"type":"object","properties":{"nullable":{},"a":{},"b":{}}}"#
        );
    }

    #[test]
    fn what_is_json_schema_already_stays() {
        let schema = r##"{"$defs":{"A":{"type":"object","additionalProperties":false}},"type":["string","null"],"anyOf":[{"$ref":"#/$defs/A"}],"x":1}"##;
        assert_eq!(converted(schema), schema);
        assert_eq!(converted("true"), "true");
    }
}
