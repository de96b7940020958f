//! A message's head as plain values.

use std::borrow::Cow;

/// The head of a request or response: pseudo-headers first, names in lower case, as Envoy keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head(pub Vec<(String, String)>);

impl Head {
    /// The first value of a header.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A response's status; 0 where there is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.value(":status").and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        let path = self.value(":path").unwrap_or_default();
        path.split_once('?').map_or(path, |(path, _)| path)
    }

    /// The first value of a parameter of the query, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, query) = self.value(":path")?.split_once('?')?;
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| decode_percent(value))
    }

    /// Whether `content-type` is this media type, whatever its parameters.
    #[must_use]
    pub fn is_media_type(&self, media_type: &str) -> bool {
        let value = self.value("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    /// `content-encoding`, unless it says that there is none.
    #[must_use]
    pub fn encoding(&self) -> Option<&str> {
        self.value("content-encoding")
            .map(str::trim)
            .filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("identity"))
    }

    /// Gives a header this one value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Takes a header out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(found, _)| found != name);
    }
}

/// Percent-decoding of one part of a URL (RFC 3986 §2.1); what is not valid UTF-8 afterwards stays as it was written.
pub(super) fn decode_percent(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}
