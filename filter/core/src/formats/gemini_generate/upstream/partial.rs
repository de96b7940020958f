//! A call whose arguments come value by value, put together.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::{
    dialect::{MAX_WHOLE, ResponseError},
    json::Text,
};

/// A call whose arguments arrive value by value, each with its place: what Vertex sends to those who ask for
/// `streamFunctionCallArguments` (<https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling>).
#[derive(Debug)]
pub(super) struct PartialCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    arguments: Value,
    size: usize,
}

/// One value, or more of a text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartialArgument<'e> {
    #[serde(borrow, default)]
    json_path: Text<'e>,
    #[serde(borrow)]
    string_value: Option<Text<'e>>,
    number_value: Option<Number>,
    bool_value: Option<bool>,
}

/// Deepest place that is followed.
const MAX_DEPTH: usize = 64;

impl PartialCall {
    pub(super) fn new(id: Option<String>, name: String) -> Self {
        Self { id, name, arguments: Value::Object(Map::new()), size: 0 }
    }

    /// Puts the next value where it belongs.
    pub(super) fn add(&mut self, argument: PartialArgument<'_>) -> Result<(), ResponseError> {
        let PartialArgument { json_path, string_value, number_value, bool_value } = argument;
        let steps = steps(&json_path.0).ok_or_else(|| {
            ResponseError::Malformed(format!("an argument at a place that cannot be read: {}", json_path.0))
        })?;
        let length = string_value.as_ref().map_or(0, |text| text.0.len());
        self.size = self.size.saturating_add(length).saturating_add(json_path.0.len());
        if self.size > MAX_WHOLE {
            return Err(ResponseError::TooLarge);
        }
        let leaf = match string_value {
            Some(text) => Leaf::Text(text.0),
            None => Leaf::Value(number_value.map(Value::Number).or(bool_value.map(Value::Bool)).unwrap_or_default()),
        };
        put(&mut self.arguments, &steps, leaf);
        Ok(())
    }

    /// All of the arguments.
    pub(super) fn arguments(&self) -> String {
        self.arguments.to_string()
    }
}

/// A step of a path.
enum Step<'p> {
    Member(&'p str),
    Element(usize),
}

/// What is put at its end.
enum Leaf<'p> {
    Text(Cow<'p, str>),
    Value(Value),
}

/// `$.items[0].name` or `$['items'][0]`.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() && steps.len() < MAX_DEPTH {
        let (step, after) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at_checked(end)?;
            (Step::Member(name), after)
        } else {
            let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
            let step = match inner.strip_prefix(['\'', '"']) {
                Some(name) => Step::Member(name.strip_suffix(['\'', '"'])?),
                None => Step::Element(inner.parse().ok()?),
            };
            (step, after)
        };
        steps.push(step);
        rest = after;
    }
    (rest.is_empty() && !steps.is_empty()).then_some(steps)
}

/// Puts the value where the steps lead, and makes the way there. Elements come in order: one further on is the next one.
fn put(value: &mut Value, steps: &[Step<'_>], leaf: Leaf<'_>) {
    let Some((step, rest)) = steps.split_first() else {
        match (leaf, value) {
            (Leaf::Text(more), Value::String(text)) => text.push_str(&more),
            (Leaf::Text(text), value) => *value = Value::String(text.into_owned()),
            (Leaf::Value(leaf), value) => *value = leaf,
        }
        return;
    };
    match step {
        Step::Member(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            if let Value::Object(members) = value {
                put(members.entry(*name).or_insert(Value::Null), rest, leaf);
            }
        }
        Step::Element(index) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            if let Value::Array(elements) = value {
                if *index >= elements.len() {
                    elements.push(Value::Null);
                }
                let last = elements.len().saturating_sub(1);
                if let Some(element) = elements.get_mut((*index).min(last)) {
                    put(element, rest, leaf);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(arguments: &[&str]) -> Result<String, ResponseError> {
        let mut call = PartialCall::new(None, "f".to_owned());
        for argument in arguments {
            call.add(serde_json::from_str(argument).unwrap())?;
        }
        Ok(call.arguments())
    }

    #[test]
    fn values_go_to_their_places_and_texts_go_on() {
        let arguments = [
            r#"{"jsonPath":"$.items[0].name","stringValue":"Red ","willContinue":true}"#,
            r#"{"jsonPath":"$.items[0].name","stringValue":"apple"}"#,
            r#"{"jsonPath":"$.items[0].price","numberValue":0.5}"#,
            r#"{"jsonPath":"$.items[1].name","stringValue":""}"#,
            r#"{"jsonPath":"$['is new']","boolValue":true}"#,
            r#"{"jsonPath":"$.none","nullValue":"NULL_VALUE"}"#,
        ];
        assert_eq!(
            gathered(&arguments).unwrap(),
            r#"{"is new":true,"items":[{"name":"Red apple","price":0.5},{"name":""}],"none":null}"#
        );
        assert_eq!(gathered(&[]).unwrap(), "{}");
    }

    #[test]
    fn a_place_that_makes_no_sense_is_an_error_and_a_far_one_takes_no_room() {
        for path in ["", "$", "items", "$.items[x]", "$.items[0", "$items"] {
            assert!(gathered(&[&format!(r#"{{"jsonPath":"{path}","stringValue":"x"}}"#)]).is_err(), "{path}");
        }
        let far = r#"{"jsonPath":"$.a[4000000000]","numberValue":1}"#;
        assert_eq!(gathered(&[far]).unwrap(), r#"{"a":[1]}"#);
    }
}
