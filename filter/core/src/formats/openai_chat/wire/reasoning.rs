//! Reasoning with its seals, as OpenRouter writes it and other routers after it: a list `reasoning_details` whose members
//! are texts, summaries and sealed data, each with a `format` that tells whose
//! (<https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning>).
//!
//! | member | here |
//! |---|---|
//! | `reasoning.text` with `signature` | reasoning with its seal |
//! | `reasoning.summary` | reasoning |
//! | `reasoning.encrypted` of Anthropic | redacted reasoning |
//! | `reasoning.encrypted` of OpenAI or Google | the seal of the reasoning before it, or one without any |
//!
//! The `index` that we give is the place of the reasoning among all that the message says, so that reasoning between calls
//! can go back between them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{Seal, Vendor},
    json::Text,
};

/// One member of `reasoning_details` as we read it.
#[derive(Debug, Deserialize)]
pub(crate) struct Detail<'e> {
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    summary: Option<Text<'e>>,
    #[serde(borrow)]
    data: Option<Text<'e>>,
    #[serde(borrow)]
    signature: Option<Text<'e>>,
    #[serde(borrow)]
    format: Option<Text<'e>>,
    index: Option<u64>,
}

/// What it says: some text, and then a seal or none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told<'e> {
    pub(crate) text: Cow<'e, str>,
    pub(crate) seal: Option<Seal<'e>>,
    /// Whether it has a seal of a vendor unknown here, which is lost.
    pub(crate) lost: bool,
    /// Which piece of reasoning it belongs to.
    pub(crate) index: Option<u64>,
}

impl<'e> Detail<'e> {
    pub(crate) fn read(self) -> Told<'e> {
        let vendor = self.format.as_ref().and_then(|format| vendor_of(&format.0));
        let filled = |text: Option<Text<'e>>| text.map(|text| text.0).filter(|text| !text.is_empty());
        let is_encrypted = self.r#type.is_some_and(|kind| kind.0 == "reasoning.encrypted");
        let data = if is_encrypted { filled(self.data) } else { filled(self.signature) };
        let lost = data.is_some() && vendor.is_none();
        let seal = data.zip(vendor).map(|(data, vendor)| {
            let redacted = is_encrypted && vendor == Vendor::Anthropic;
            Seal { vendor, redacted, data }
        });
        let text = filled(self.text).or_else(|| filled(self.summary)).unwrap_or_default();
        Told { text, seal, lost, index: self.index }
    }
}

/// One member of `reasoning_details` as we write it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct DetailWire<'c> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    index: u32,
}

impl<'c> DetailWire<'c> {
    /// Text whose seal, if it has one, follows.
    pub(crate) fn text(text: &'c str, index: u32) -> Self {
        Self { r#type: "reasoning.text", text: Some(text), index, ..Self::default() }
    }

    /// A seal whose text, if it has one, went before.
    pub(crate) fn seal(seal: &'c Seal<'_>, index: u32) -> Self {
        let format = Some(format_of(seal.vendor));
        if seal.vendor == Vendor::Anthropic && !seal.redacted {
            return Self { r#type: "reasoning.text", signature: Some(&seal.data), format, index, ..Self::default() };
        }
        Self { r#type: "reasoning.encrypted", data: Some(&seal.data), format, index, ..Self::default() }
    }

    /// All of one piece of reasoning.
    pub(crate) fn whole(text: &'c str, seal: Option<&'c Seal<'_>>, index: u32) -> Vec<Self> {
        let Some(seal) = seal else {
            return vec![Self::text(text, index)];
        };
        let sealed = Self::seal(seal, index);
        match seal.vendor {
            Vendor::Anthropic if seal.redacted => vec![sealed],
            Vendor::Anthropic => vec![Self { text: Some(text), ..sealed }],
            _ if text.is_empty() => vec![sealed],
            Vendor::Google => vec![Self { format: sealed.format, ..Self::text(text, index) }, sealed],
            Vendor::Openai => {
                let format = sealed.format;
                let summary = Some(text);
                vec![Self { r#type: "reasoning.summary", summary, format, index, ..Self::default() }, sealed]
            }
        }
    }
}

fn format_of(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Openai => "openai-responses-v1",
        Vendor::Anthropic => "anthropic-claude-v1",
        Vendor::Google => "google-gemini-v1",
    }
}

/// Azure's seals are OpenAI's.
fn vendor_of(format: &str) -> Option<Vendor> {
    match format {
        "azure-openai-responses-v1" => Some(Vendor::Openai),
        _ => {
            [Vendor::Openai, Vendor::Anthropic, Vendor::Google].into_iter().find(|vendor| format_of(*vendor) == format)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Told<'_> {
        serde_json::from_str::<Detail<'_>>(json).unwrap().read()
    }

    #[test]
    fn seals_come_back_as_they_went() {
        let seals = [
            Seal { vendor: Vendor::Anthropic, redacted: false, data: "EqQB".into() },
            Seal { vendor: Vendor::Anthropic, redacted: true, data: "EmwK".into() },
            Seal { vendor: Vendor::Openai, redacted: false, data: "gAAA".into() },
            Seal { vendor: Vendor::Google, redacted: false, data: "CiQB".into() },
        ];
        for seal in seals {
            let text = if seal.redacted { "" } else { "Hm." };
            let wires = DetailWire::whole(text, Some(&seal), 3);
            let json: Vec<String> = wires.iter().map(|wire| serde_json::to_string(wire).unwrap()).collect();
            let told: Vec<Told<'_>> = json.iter().map(|json| read(json)).collect();
            assert_eq!(told.iter().map(|told| &*told.text).collect::<String>(), text, "{json:?}");
            assert_eq!(told.last().unwrap().seal.as_ref(), Some(&seal), "{json:?}");
        }
    }

    #[test]
    fn a_seal_of_an_unknown_vendor_is_lost_and_its_text_is_not() {
        let told = read(r#"{"type":"reasoning.text","text":"Hm.","signature":"x","format":"xai-responses-v1"}"#);
        assert_eq!(told, Told { text: "Hm.".into(), seal: None, lost: true, index: None });
        assert!(!read(r#"{"type":"reasoning.text","text":"Hm.","signature":"","format":"unknown","index":0}"#).lost);
    }
}
