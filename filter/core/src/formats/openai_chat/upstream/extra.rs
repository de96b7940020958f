//! Members that servers of this format add or fill in their own way, read as far as they can be.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::blocks::Blocks;
use crate::{
    canonical::{Seal, Vendor},
    dialect::Sink,
    json::{Node, Text},
};

/// Google's additions: <https://ai.google.dev/gemini-api/docs/thought-signatures#openai>.
#[derive(Debug, Deserialize)]
pub(super) struct ExtraWire<'e> {
    #[serde(borrow)]
    google: Option<GoogleWire<'e>>,
}

#[derive(Debug, Deserialize)]
struct GoogleWire<'e> {
    #[serde(borrow)]
    thought_signature: Option<Text<'e>>,
}

impl ExtraWire<'_> {
    /// The seal that belongs to what it stands at, so before it.
    pub(super) fn tell(self, blocks: &mut Blocks, sink: Sink<'_>) {
        let seal = self.google.and_then(|google| google.thought_signature).map(|seal| seal.0);
        if let Some(data) = seal.filter(|seal| !seal.is_empty()) {
            blocks.seal(Seal { vendor: Vendor::Google, redacted: false, data }, sink);
        }
    }
}

/// A string.
pub(super) fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

/// Whether there is anything in a member that errors stand in.
pub(super) fn says_something(value: &RawValue) -> bool {
    Node::parse(value.get().as_bytes()).is_ok_and(|node| {
        !node.is_null()
            && node.members().is_none_or(|members| !members.is_empty())
            && node.string().is_none_or(|text| !text.is_empty())
    })
}
