//! Reading the members of an object by name.

use std::borrow::Cow;

use crate::{
    dialect::{InvalidRequest, want},
    json::Node,
};

/// The members of an object.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// The last member of that name that is not null. Contents are large, so members are looked for only once.
pub(super) fn pick<'a>(members: &Members<'a>, key: &str) -> Option<Node<'a>> {
    members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value).filter(|value| !value.is_null())
}

/// The member of that name, as a string.
pub(super) fn text<'a>(members: &Members<'a>, key: &str, path: &str) -> Result<Cow<'a, str>, InvalidRequest> {
    want(pick(members, key).and_then(Node::string), &format!("{path}.{key}"), "a string")
}

/// The member of that name, as a string, where it is there.
pub(super) fn text_if_any<'a>(
    members: &Members<'a>,
    key: &str,
    path: &str,
) -> Result<Option<Cow<'a, str>>, InvalidRequest> {
    pick(members, key).map(|value| want(value.string(), &format!("{path}.{key}"), "a string")).transpose()
}

/// Adds the paths of all members but the known ones.
pub(super) fn leave_rest(members: &Members<'_>, known: &[&str], path: &str, extra: &mut Vec<String>) {
    let unknown = members.iter().filter(|(key, value)| !value.is_null() && !known.contains(&&**key));
    extra.extend(unknown.map(|(key, _)| format!("{path}.{key}")));
}
