//! What OpenAI's servers refuse, in whichever of its APIs it stands, and what goes in its place.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{
    canonical::{Given, Losses},
    json::{Edit, Envelope},
};

/// Most characters of a name of the end user, and of an id in Responses: "Expected a string with maximum length 64".
pub(crate) const MAX_NAME: usize = 64;

/// A name of the end user, or of a prompt's cache. A longer one is replaced by its digest, so that it stays one name: those
/// of Claude Code have more than 128 characters, which is beyond what any provider takes.
pub(crate) fn encode_name<'c>(name: Option<&'c Given<Cow<'_, str>>>, losses: &mut Losses) -> Option<Cow<'c, str>> {
    let name = name?;
    let Some(digest) = shortened(&name.value) else { return Some(Cow::Borrowed(&*name.value)) };
    losses.approximate(name.path.as_ref(), "the provider takes 64 characters; a digest stands for the name");
    Some(Cow::Owned(digest))
}

/// A text of at most 64 characters that stands for a longer one, always the same; `None` where it is short enough.
pub(crate) fn shortened(text: &str) -> Option<String> {
    if text.chars().take(MAX_NAME.saturating_add(1)).count() <= MAX_NAME {
        return None;
    }
    let mut digest = String::with_capacity(MAX_NAME);
    for byte in Sha256::digest(text) {
        // Writing into a string cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    Some(digest)
}

/// The schema of a function's arguments. OpenAI wants an object's `properties` even where there are none, and otherwise
/// refuses the request ("object schema missing properties"); MCP servers leave them out of tools without arguments.
pub(crate) fn complete_schema(schema: &str) -> serde_json::Result<Cow<'_, RawValue>> {
    let as_it_is = || serde_json::from_str(schema).map(Cow::Borrowed);
    let Ok(envelope) = Envelope::scan(schema.as_bytes()) else { return as_it_is() };
    let has = |key| envelope.raw(schema.as_bytes(), key).is_some();
    let is_object = envelope.raw(schema.as_bytes(), "type").is_none_or(|kind| kind == b"\"object\"");
    // A schema of another kind, or one put together from others, says itself what it is.
    if !is_object || ["properties", "$ref", "anyOf", "oneOf", "allOf"].into_iter().any(has) {
        return as_it_is();
    }
    let mut edits = vec![Edit::Set("properties", "{}".into())];
    if !has("type") {
        edits.insert(0, Edit::Set("type", "\"object\"".into()));
    }
    match String::from_utf8(envelope.splice(schema.as_bytes(), &edits)) {
        Ok(complete) => RawValue::from_string(complete).map(Cow::Owned),
        Err(_) => as_it_is(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_without_properties_gets_none() {
        let complete_schema = |schema| complete_schema(schema).unwrap().get().to_owned();
        assert_eq!(complete_schema(r#"{"type":"object"}"#), r#"{"type":"object","properties":{}}"#);
        assert_eq!(complete_schema("{}"), r#"{"type":"object","properties":{}}"#);
        for complete in [r#"{"type":"object","properties":{}}"#, r##"{"$ref":"#/$defs/a"}"##, r#"{"type":"string"}"#] {
            assert_eq!(complete_schema(complete), complete);
        }
    }

    #[test]
    fn a_long_name_is_always_the_same_short_one() {
        assert_eq!(shortened(&"é".repeat(64)), None);
        let digest = shortened(&"é".repeat(65)).unwrap();
        assert_eq!((digest.len(), shortened(&"é".repeat(65))), (64, Some(digest)));
    }
}
