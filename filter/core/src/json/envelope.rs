//! The members of one object, and changes to some of them.

use std::{borrow::Cow, fmt, ops::Range};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    read::{Node, Text},
    shallow::MAX_MEMBERS,
};

/// The top-level members of a JSON object, by position in the text they were scanned from.
///
/// The scan validates the whole text and builds nothing below the first level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    members: Vec<Member>,
}

/// One top-level member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name, unescaped.
    pub key: String,
    /// Where its value stands in the text.
    pub value: Range<usize>,
}

/// Why a text has no envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanError {
    /// Not JSON; what the parser said, with line and column.
    Syntax(String),
    /// JSON, but not an object.
    NotAnObject,
}

/// A change to one top-level member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Gives the member this value (JSON text), adding it at the end where it is absent.
    Set(&'a str, Cow<'a, str>),
    /// Takes the member out, where it is present.
    Remove(&'a str),
}

impl Member {
    /// The value, in the text that the member was scanned from, which need not be checked again. `None` for another text,
    /// where that can be told.
    #[must_use]
    pub fn node<'t>(&self, text: &'t [u8]) -> Option<Node<'t>> {
        std::str::from_utf8(text.get(self.value.clone())?).ok().map(Node::of_scanned)
    }
}

impl Envelope {
    /// Scans `text`, which must be one JSON object, nested however deep, with nothing but white space around it. Whoever looks
    /// into its members asks [`is_too_deep`](super::is_too_deep) first.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn scan(text: &[u8]) -> Result<Self, ScanError> {
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let members = serde_json::from_slice::<Members<'_>>(text).map_err(|error| match (error.classify(), first) {
            (serde_json::error::Category::Data, Some(byte)) if *byte != b'{' => ScanError::NotAnObject,
            _ => ScanError::Syntax(error.to_string()),
        })?;
        let base = text.as_ptr().addr();
        let members = members
            .0
            .into_iter()
            .map(|(key, raw)| {
                let start = raw.get().as_ptr().addr().saturating_sub(base);
                Member { key: key.into_owned(), value: start..start.saturating_add(raw.get().len()) }
            })
            .collect();
        Ok(Self { members })
    }

    /// All members, in order, repeated ones included.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The JSON text of a member's value; of the last one when the key is repeated, as most parsers have it.
    #[must_use]
    pub fn raw<'t>(&self, text: &'t [u8], key: &str) -> Option<&'t [u8]> {
        let member = self.members.iter().rev().find(|member| member.key == key)?;
        text.get(member.value.clone())
    }

    /// A member's value, parsed. `None` when it is absent or of another type.
    #[must_use]
    pub fn parse<T: DeserializeOwned>(&self, text: &[u8], key: &str) -> Option<T> {
        serde_json::from_slice(self.raw(text, key)?).ok()
    }

    /// Whether a key occurs more than once.
    #[must_use]
    pub fn is_repeated(&self, key: &str) -> bool {
        self.members.iter().filter(|member| member.key == key).nth(1).is_some()
    }

    /// `text` with the edits applied; every byte outside the edited members stays as it was. Of a member that is both set
    /// and removed, nothing stays.
    #[must_use]
    pub fn splice(&self, text: &[u8], edits: &[Edit<'_>]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len().saturating_add(64));
        let mut copied = 0;
        let copy_to = |out: &mut Vec<u8>, from: usize, to: usize| {
            out.extend_from_slice(text.get(from..to).unwrap_or_default());
        };
        let mut added = Vec::new();
        let mut changes: Vec<(Range<usize>, &str)> = Vec::new();
        let removes = |key: &str| edits.iter().any(|edit| matches!(edit, Edit::Remove(removed) if *removed == key));
        for edit in edits {
            let Edit::Set(key, value) = edit else { continue };
            let mut places = self.members.iter().filter(|member| member.key == *key).peekable();
            if places.peek().is_none() {
                added.push((*key, &**value));
            }
            changes.extend(places.filter(|m| !removes(&m.key)).map(|member| (member.value.clone(), &**value)));
        }
        let mut kept = 0_usize;
        let mut from = text.iter().position(|byte| *byte == b'{').map_or(0, |at| at.saturating_add(1));
        for (index, member) in self.members.iter().enumerate() {
            if removes(&member.key) {
                let next = self.members.get(index.saturating_add(1));
                let extent = from..removed_end(text, kept > 0, member, next);
                from = extent.end;
                changes.push((extent, ""));
            } else {
                kept = kept.saturating_add(1);
                from = member.value.end;
            }
        }
        changes.sort_by_key(|(range, _)| range.start);
        for (range, value) in changes {
            copy_to(&mut out, copied, range.start.max(copied));
            out.extend_from_slice(value.as_bytes());
            copied = range.end.max(copied);
        }
        if added.is_empty() {
            copy_to(&mut out, copied, text.len());
            return out;
        }
        let end = text.iter().rposition(|byte| *byte == b'}').unwrap_or(text.len());
        // White space before the closing brace stays before it.
        let last = text.get(..end).unwrap_or_default();
        let insert = last.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at.saturating_add(1));
        let insert = insert.max(copied);
        copy_to(&mut out, copied, insert);
        for (key, value) in added {
            if kept > 0 {
                out.push(b',');
            }
            kept = kept.saturating_add(1);
            // Keys are ours: no character of theirs needs an escape.
            out.push(b'"');
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value.as_bytes());
        }
        copy_to(&mut out, insert, text.len());
        out
    }
}

/// Where the removal of a member ends: at the end of its value, when the comma before it goes with it; without a kept
/// member before it, after the comma that follows.
fn removed_end(text: &[u8], follows_kept: bool, member: &Member, next: Option<&Member>) -> usize {
    let end = member.value.end;
    let Some(next) = next.filter(|_| !follows_kept) else { return end };
    let gap = text.get(end..next.value.start).unwrap_or_default();
    let comma = gap.iter().position(|byte| *byte == b',').map_or(0, |at| at.saturating_add(1));
    end.saturating_add(comma)
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => write!(f, "the body is not valid JSON: {message}"),
            Self::NotAnObject => write!(f, "the body is not a JSON object"),
        }
    }
}

impl std::error::Error for ScanError {}

/// Key and value of each member of one object.
struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(12);
                while let Some(Text(key)) = map.next_key()? {
                    if members.len() >= MAX_MEMBERS {
                        return Err(serde::de::Error::custom("too many members in one object"));
                    }
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_DEPTH;

    fn nested(depth: usize) -> String {
        format!("{{\"a\":{}0{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1))
    }

    #[test]
    fn scans_however_deep_a_text_is_nested() {
        assert_eq!(Envelope::scan(nested(1 << 20).as_bytes()).map(|envelope| envelope.members().len()), Ok(1));
    }

    /// What is not too deep must also be readable, level by level, by whoever looks into it with types.
    #[test]
    fn what_is_as_deep_as_the_bound_can_be_read() {
        let text = nested(MAX_DEPTH);
        let envelope = Envelope::scan(text.as_bytes()).unwrap();
        assert!(envelope.parse::<serde_json::Value>(text.as_bytes(), "a").is_some());
    }
}
