//! Contents and parts, as they are written on both sides.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

/// A content of a request or of an answer: <https://ai.google.dev/api/caching#Content>.
#[derive(Debug, Serialize)]
pub(crate) struct ContentWire<'p> {
    pub(crate) parts: Vec<PartWire<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
}

/// A part, which is one thing, or the seal of what was before it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartWire<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<Cow<'p, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inline_data: Option<BlobWire<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_data: Option<FileWire<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) function_call: Option<CallWire<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) function_response: Option<ResponseWire<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thought_signature: Option<Cow<'p, str>>,
}

impl<'p> PartWire<'p> {
    /// A text.
    pub(crate) fn text(text: impl Into<Cow<'p, str>>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// A thought.
    pub(crate) fn thought(text: impl Into<Cow<'p, str>>) -> Self {
        Self { thought: true, ..Self::text(text) }
    }

    /// The same with the seal of what led to it.
    pub(crate) fn sealed(self, seal: Option<Cow<'p, str>>) -> Self {
        Self { thought_signature: seal, ..self }
    }
}

/// Bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlobWire<'p> {
    pub(crate) mime_type: &'p str,
    pub(crate) data: Cow<'p, str>,
}

/// A file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileWire<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mime_type: Option<&'p str>,
    pub(crate) file_uri: &'p str,
}

/// A call of a function.
#[derive(Debug, Serialize)]
pub(crate) struct CallWire<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'p str>,
    pub(crate) name: &'p str,
    pub(crate) args: &'p RawValue,
}

/// What a function answered.
#[derive(Debug, Serialize)]
pub(crate) struct ResponseWire<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'p str>,
    pub(crate) name: &'p str,
    pub(crate) response: Cow<'p, RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<PartWire<'p>>,
}

/// The arguments of a call, which must be one object; no text is no argument.
pub(crate) fn arguments(input: &str) -> Option<&RawValue> {
    let input = if input.trim().is_empty() { "{}" } else { input };
    serde_json::from_str::<&RawValue>(input).ok().filter(|raw| raw.get().starts_with('{'))
}

/// JSON text without white space between its tokens: Google's whole answers come indented, and so would the arguments that
/// other formats carry as a text.
pub(crate) fn compact(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for letter in text.chars() {
        if in_string {
            in_string = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
        } else if letter.is_ascii_whitespace() {
            continue;
        } else {
            in_string = letter == '"';
        }
        out.push(letter);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_but_for_strings() {
        let text = "{\n  \"a b\": [ 1,\n 2 ],\n \"c\": \"x \\\" \\\\\", \"d\": \" \"\n}";
        assert_eq!(compact(text), "{\"a b\":[1,2],\"c\":\"x \\\" \\\\\",\"d\":\" \"}");
        assert_eq!(compact("{ }"), "{ }");
    }

    #[test]
    fn arguments_are_one_object() {
        assert_eq!(arguments("").unwrap().get(), "{}");
        assert_eq!(arguments(" {\"a\":1} ").unwrap().get(), "{\"a\":1}");
        for text in ["[]", "{", "null", "{}{}", "\"{}\""] {
            assert!(arguments(text).is_none(), "{text}");
        }
    }
}
