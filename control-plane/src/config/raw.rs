//! What may be written where. Every leaf is text with a place, so that variables can stand anywhere and every later
//! complaint has a position.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::{Error, Spanned};

use super::problem::{Problem, Problems, suggestion};

/// A scalar as written.
pub(super) type Text = Spanned<String>;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) providers: Option<Entries<Provider>>,
    pub(super) models: Option<Entries<Model>>,
    pub(super) aliases: Option<Entries<Text>>,
    pub(super) keys: Option<Vec<Spanned<Key>>>,
    pub(super) prices: Option<Entries<Price>>,
    pub(super) store: Option<Text>,
    pub(super) spool: Option<Text>,
    pub(super) auth: Option<Auth>,
    pub(super) max_body: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) kind: Option<Text>,
    pub(super) api_key: Option<Text>,
    pub(super) base_url: Option<Text>,
    pub(super) region: Option<Text>,
    pub(super) access_key_id: Option<Text>,
    pub(super) secret_access_key: Option<Text>,
    pub(super) session_token: Option<Text>,
    pub(super) formats: Option<Spanned<Vec<Text>>>,
    pub(super) headers: Option<Entries<Text>>,
    pub(super) default_max_tokens: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) targets: Option<Spanned<Vec<Spanned<Target>>>>,
    pub(super) translation: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) first_byte_timeout: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    pub(super) provider: Option<Text>,
    pub(super) model: Option<Text>,
    pub(super) weight: Option<Text>,
    pub(super) priority: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) name: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) team: Option<Text>,
    pub(super) user: Option<Text>,
    pub(super) models: Option<Vec<Text>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    pub(super) input: Option<Text>,
    pub(super) output: Option<Text>,
    pub(super) cache_read: Option<Text>,
    pub(super) cache_write_5m: Option<Text>,
    pub(super) cache_write_1h: Option<Text>,
    pub(super) audio_in: Option<Text>,
    pub(super) audio_out: Option<Text>,
    pub(super) tiers: Option<Vec<Spanned<Tier>>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tier {
    pub(super) above_input_tokens: Option<Text>,
    pub(super) input: Option<Text>,
    pub(super) output: Option<Text>,
    pub(super) cache_read: Option<Text>,
    pub(super) cache_write_5m: Option<Text>,
    pub(super) cache_write_1h: Option<Text>,
    pub(super) audio_in: Option<Text>,
    pub(super) audio_out: Option<Text>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) admin_token: Option<Text>,
    pub(super) node_token: Option<Text>,
}

/// A mapping in the order of the file, with the place of each key.
#[derive(Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(Text, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Mapping<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Mapping(PhantomData))
    }
}

/// Reads the text; a file of nothing but comments is an empty one.
pub(super) fn read(file: &str, text: &str) -> Result<File, Problems> {
    let read: Result<Option<File>, Error> = serde_saphyr::from_str(text);
    read.map(Option::unwrap_or_default).map_err(|error| {
        let error = error.without_snippet();
        let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
        Problems::one(Problem { file: file.to_owned(), line, column, message: message(error) })
    })
}

/// Says what is wrong without quoting a value: a value in the wrong place may be a secret.
fn message(error: &Error) -> String {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => format!(
            "unknown key `{field}`{}; known here: {}",
            suggestion(field, expected.iter().copied()),
            expected.join(", ")
        ),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("the wrong type of value: expected {}", plain(expected))
        }
        Error::Unexpected { expected, .. } => format!("the wrong type of value: expected {expected}"),
        Error::NullIntoString { .. } => "no value here: write one, or remove the key".to_owned(),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` appears twice: keep one of the two"),
        Error::DuplicateMappingKey { key: None, .. } => "a key appears twice: keep one of the two".to_owned(),
        Error::AliasError { error, .. } => message(error),
        other => strip_location(&other.to_string()),
    }
}

/// Serde names a struct by its Rust type; the file knows only mappings.
fn plain(expected: &str) -> String {
    if expected.starts_with("struct ") { "a mapping".to_owned() } else { expected.to_owned() }
}

/// The library ends its messages with the place, which stands before ours already.
fn strip_location(message: &str) -> String {
    let line = message.lines().next().unwrap_or(message);
    line.split(" at line ").next().unwrap_or(line).to_owned()
}

/// A place in the file.
pub(super) type Spot = serde_saphyr::Location;
