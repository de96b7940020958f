//! Reading members and values, in either of the spellings that Google's JSON has.

use std::borrow::Cow;

use crate::{
    dialect::{InvalidRequest, want},
    formats::gemini_generate::wire::spelling::camel,
    json::Node,
};

/// The members of an object that are not null, under the names that Google's documents use. Google's JSON takes `snake_case`
/// as well (<https://protobuf.dev/programming-guides/json/>), and its own clients mix both.
pub(super) fn fields<'a>(value: Node<'a>, path: &str) -> Result<Vec<(Cow<'a, str>, Node<'a>)>, InvalidRequest> {
    let members = want(value.members(), path, "an object")?;
    Ok(members.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (camel(key), value)).collect())
}

/// The elements of a list; one value stands for a list of one, as Google's servers have it.
pub(super) fn list(value: Node<'_>) -> Vec<Node<'_>> {
    value.elements().unwrap_or_else(|| vec![value])
}

/// A whole number from 0 up; Google's JSON takes it in quotes as well.
pub(super) fn whole(value: Node<'_>, path: &str) -> Result<u64, InvalidRequest> {
    let number = value.whole().or_else(|| value.string()?.parse().ok());
    want(number, path, "a whole number from 0 up")
}

/// Any number, in quotes or not.
pub(super) fn number(value: Node<'_>, path: &str) -> Result<f64, InvalidRequest> {
    let number = value.number().or_else(|| value.string()?.parse().ok()).filter(|number| number.is_finite());
    want(number, path, "a number")
}

/// A string.
pub(super) fn string<'a>(value: Node<'a>, path: &str) -> Result<Cow<'a, str>, InvalidRequest> {
    want(value.string(), path, "a string")
}

/// `true` or `false`.
pub(super) fn boolean(value: Node<'_>, path: &str) -> Result<bool, InvalidRequest> {
    want(value.boolean(), path, "true or false")
}

/// A word of an enumeration in capitals: clients write them in small letters too, and Google takes that.
pub(super) fn word(value: Node<'_>, path: &str) -> Result<String, InvalidRequest> {
    Ok(string(value, path)?.to_ascii_uppercase())
}
