use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::Members;

/// A JSON value whose text is known to be valid and whose inside has not been looked at yet.
///
/// Each reader answers `None` when the value is of another type; strings without escapes are borrowed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'t>(&'t str);

impl<'t> Node<'t> {
    /// The value that `text` is.
    ///
    /// # Errors
    /// When `text` is not one JSON value.
    pub fn parse(text: &'t [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<&RawValue>(text).map(|raw| Self(raw.get()))
    }

    /// A value whose text was found valid before.
    pub(super) fn of_scanned(text: &'t str) -> Self {
        Self(text)
    }

    /// The JSON text.
    #[must_use]
    pub fn text(self) -> &'t str {
        self.0
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// A string, unescaped.
    #[must_use]
    pub fn string(self) -> Option<Cow<'t, str>> {
        self.read::<Text<'t>>().map(|text| text.0)
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        self.read()
    }

    /// Any number.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        self.read()
    }

    /// A whole number that is not negative; `16.0` counts.
    #[must_use]
    pub fn whole(self) -> Option<u64> {
        self.read().or_else(|| {
            let number: f64 = self.read()?;
            let fits = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
            #[expect(clippy::as_conversions, reason = "checked to be whole and exactly representable")]
            fits.then_some(number as u64)
        })
    }

    /// The elements of an array.
    #[must_use]
    pub fn elements(self) -> Option<Vec<Node<'t>>> {
        Some(self.read::<Vec<&'t RawValue>>()?.into_iter().map(|raw| Self(raw.get())).collect())
    }

    /// The members of an object, in order.
    #[must_use]
    pub fn members(self) -> Option<Vec<(Cow<'t, str>, Node<'t>)>> {
        Some(self.read::<Members<'t>>()?.0.into_iter().map(|(key, raw)| (key, Self(raw.get()))).collect())
    }

    /// A member of an object; the last one when the key is repeated.
    #[must_use]
    pub fn member(self, key: &str) -> Option<Node<'t>> {
        self.members()?.into_iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn read<T: Deserialize<'t>>(self) -> Option<T> {
        serde_json::from_str(self.0).ok()
    }
}

/// A string that borrows from the JSON text when nothing in it is escaped.
///
/// Plain `Cow` always owns when it sits inside another type, such as an `Option`; this does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Text<'t>(#[serde(borrow)] pub Cow<'t, str>);
