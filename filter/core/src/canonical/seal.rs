//! A provider's opaque signature of reasoning, and how it travels through another vendor's format.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::Vendor;

/// A provider's seal on reasoning: opaque, and worth something to its own vendor only.
///
/// It has to come back unchanged on the next turn, through whatever format the client speaks. A format whose own seals are
/// another vendor's, or that has none, carries it [wrapped](Self::carried_by) in a text that says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal<'a> {
    /// Who sealed it.
    pub vendor: Vendor,
    /// Whether the reasoning itself is inside the seal, and no text of it beside.
    pub redacted: bool,
    /// The seal, as the vendor's format writes it.
    pub data: Cow<'a, str>,
}

/// What every wrapped seal begins with: nine bytes, so that they are twelve letters of base64 whatever follows.
const MARK: &str = "tollgate/";
const MARK_BASE64: &str = "dG9sbGdhdGUv";

impl Seal<'_> {
    /// The text for a format whose own seals are `native`. It is base64, since formats demand that of theirs.
    #[must_use]
    pub fn carried_by(&self, native: Vendor) -> Cow<'_, str> {
        if self.vendor == native && !self.redacted {
            return Cow::Borrowed(&self.data);
        }
        let vendor = word(self.vendor);
        let redacted = if self.redacted { "redacted/" } else { "" };
        Cow::Owned(BASE64_STANDARD.encode(format!("{MARK}{vendor}/{redacted}{}", self.data)))
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> Seal<'static> {
        Seal { vendor: self.vendor, redacted: self.redacted, data: self.data.into_owned().into() }
    }
}

impl<'a> Seal<'a> {
    /// Reads what [`carried_by`](Self::carried_by) wrote, or else a seal of `native` itself.
    #[must_use]
    pub fn read(text: Cow<'a, str>, native: Vendor) -> Self {
        unwrap(&text).unwrap_or(Self { vendor: native, redacted: false, data: text })
    }
}

fn unwrap(text: &str) -> Option<Seal<'static>> {
    if !text.starts_with(MARK_BASE64) {
        return None;
    }
    let inner = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
    let (name, data) = inner.strip_prefix(MARK)?.split_once('/')?;
    let vendor =
        [Vendor::Openai, Vendor::Anthropic, Vendor::Google].into_iter().find(|vendor| word(*vendor) == name)?;
    let (redacted, data) = match data.strip_prefix("redacted/") {
        Some(data) => (true, data),
        None => (false, data),
    };
    Some(Seal { vendor, redacted, data: data.to_owned().into() })
}

fn word(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Openai => "openai",
        Vendor::Anthropic => "anthropic",
        Vendor::Google => "google",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_crosses_every_format_and_comes_back_the_same() {
        for vendor in [Vendor::Openai, Vendor::Anthropic, Vendor::Google] {
            for redacted in [false, true] {
                let seal = Seal { vendor, redacted, data: "EqQBCg+/=|rs_1".into() };
                for native in [Vendor::Openai, Vendor::Anthropic, Vendor::Google] {
                    let carried = seal.carried_by(native).into_owned();
                    assert_eq!(Seal::read(carried.into(), native), seal);
                }
            }
        }
    }

    #[test]
    fn a_native_seal_is_not_touched_and_a_forged_wrapping_is_taken_as_native() {
        let seal = Seal::read("EqQB".into(), Vendor::Anthropic);
        assert_eq!(seal.carried_by(Vendor::Anthropic), "EqQB");
        for forged in ["dG9sbGdhdGUv", "dG9sbGdhdGUv!!", "dG9sbGdhdGUveA=="] {
            assert_eq!(Seal::read(forged.into(), Vendor::Google).data, forged);
        }
    }
}
