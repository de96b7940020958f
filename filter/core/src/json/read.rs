//! Values that are read when somebody asks for them.

use std::borrow::Cow;

use serde::{Deserialize, de::Error};
use serde_json::value::RawValue;

use super::{
    depth::{MAX_DEPTH, is_too_deep},
    shallow::{Shallow, each_string, inside},
    unescape::unescape,
};

/// A JSON value whose text is known to be valid and whose inside has not been looked at yet.
///
/// Each reader answers `None` when the value is of another type; strings without escapes are borrowed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'t>(&'t str);

impl<'t> Node<'t> {
    /// The value that `text` is.
    ///
    /// # Errors
    /// When `text` is not one JSON value, or is nested deeper than [`MAX_DEPTH`].
    pub fn parse(text: &'t [u8]) -> Result<Self, serde_json::Error> {
        let raw = serde_json::from_slice::<&RawValue>(text)?;
        match is_too_deep(text) {
            true => Err(Error::custom(format_args!("nested deeper than {MAX_DEPTH} levels"))),
            false => Ok(Self(raw.get())),
        }
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
        unescape(inside(self.0)?)
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
        Shallow::of(self.0).elements()
    }

    /// The members of an object, in order.
    #[must_use]
    pub fn members(self) -> Option<Vec<(Cow<'t, str>, Node<'t>)>> {
        Shallow::of(self.0).members()
    }

    /// A member of an object; the last one when the key is repeated.
    #[must_use]
    pub fn member(self, key: &str) -> Option<Node<'t>> {
        Shallow::of(self.0).member(key)
    }

    /// Calls `one` with each element of an array, and keeps nothing; `None` when it is no array.
    pub(crate) fn each_element(self, one: &mut dyn FnMut(Self)) -> Option<()> {
        Shallow::of(self.0).each_element(one)
    }

    /// Calls `one` with each member of an object, in order, and keeps nothing; `None` when it is no object.
    pub(crate) fn each_member(self, one: &mut dyn FnMut(Cow<'t, str>, Self)) -> Option<()> {
        Shallow::of(self.0).each_member(one)
    }

    /// Calls `one` with every string that is a value in it, or is it, however deep.
    pub(crate) fn each_string(self, one: &mut dyn FnMut(Self)) -> Option<()> {
        each_string(self.0, one)
    }

    /// Whether it is a string.
    pub(crate) fn is_string(self) -> bool {
        self.0.starts_with('"')
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

#[cfg(test)]
mod tests {
    use super::{super::shallow::MAX_ELEMENTS, *};

    fn node(text: &str) -> Node<'_> {
        Node::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_member_is_the_last_of_its_name() {
        let object = node(r#"{"a":1, "b" : [2] ,"\u0061":{"x":3},"c":4}"#);
        assert_eq!(object.member("a").map(Node::text), Some(r#"{"x":3}"#));
        assert_eq!(object.member("b").map(Node::text), Some("[2]"));
        assert_eq!(object.member("d"), None);
        for other in ["[1]", "\"a\"", "1", "null"] {
            assert_eq!(node(other).member("a"), None);
        }
    }

    #[test]
    fn elements_are_those_of_an_array() {
        let texts = |text| node(text).elements().map(|all| all.into_iter().map(Node::text).collect::<Vec<_>>());
        assert_eq!(texts(r#" [ 1,{"a":[]} , "]" ] "#), Some(vec!["1", r#"{"a":[]}"#, "\"]\""]));
        assert_eq!(texts("[]"), Some(vec![]));
        assert_eq!(texts("{}"), None);
    }

    #[test]
    fn an_array_beyond_the_bound_is_not_looked_into() {
        let text = |elements: usize| format!("[{}0]", "0,".repeat(elements - 1));
        assert_eq!(node(&text(MAX_ELEMENTS)).elements().map(|all| all.len()), Some(MAX_ELEMENTS));
        assert_eq!(node(&text(MAX_ELEMENTS + 1)).elements(), None);
    }

    #[test]
    fn refuses_what_is_nested_too_deep() {
        let text = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Node::parse(text(MAX_DEPTH).as_bytes()).is_ok());
        let error = Node::parse(text(MAX_DEPTH + 1).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "nested deeper than 128 levels");
        assert!(Node::parse(text(1 << 20).as_bytes()).is_err());
    }
}
