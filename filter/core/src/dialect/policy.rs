//! What the gate must know of a format's requests before it admits one.

use std::{borrow::Cow, fmt};

use super::{Output, Texts};
use crate::json::{Envelope, Node};

/// What decides whether a request is admitted, and what for.
pub(crate) struct Policy {
    /// Members that are read: a second one of the same name could say something else to the provider than to us
    /// (GHSA-4gph-2hhr-5mwg is such a case).
    pub(crate) reads: &'static [&'static str],
    /// Members that must be absent, null or false, and what is expected of them instead, for people.
    pub(crate) refuses: &'static [(&'static str, &'static str)],
    /// The name that a member's name stands for, where the format's parsers read several spellings as one.
    pub(crate) spelled: fn(&str) -> Cow<'_, str>,
    /// On whose behalf a request is made.
    pub(crate) asker: AskerOf,
    /// What bounds the answer; `None` where an answer has no tokens of output.
    pub(crate) output: Option<Output>,
    /// Shows every text that a person or a model wrote, in the order of the body.
    pub(crate) texts: fn(&Envelope, &mut Texts<'_, '_>),
}

/// See [`Policy::asker`].
pub(crate) type AskerOf = for<'a> fn(&'a [u8], &'a Envelope) -> Asker<'a>;

/// Whom a body names, in the client's own words, which may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker<'a> {
    /// On whose behalf the client asks; empty for nobody.
    pub(crate) end_user: Cow<'a, str>,
    /// What ties it to other requests; empty for nothing.
    pub(crate) session_id: Cow<'a, str>,
}

/// A member that is not what every server of the format takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMember {
    /// Its dotted path.
    pub member: &'static str,
    /// What it must be, for people.
    pub expected: &'static str,
}

impl Policy {
    /// A member that is read and stands there more than once, in whatever spelling.
    pub(crate) fn repeated(&self, envelope: &Envelope) -> Option<&'static str> {
        let times = |key: &str| envelope.members().iter().filter(|member| (self.spelled)(&member.key) == key).count();
        self.reads.iter().copied().find(|key| times(key) > 1)
    }
}

/// The spelling of formats whose members have one name.
pub(crate) fn as_written(name: &str) -> Cow<'_, str> {
    Cow::Borrowed(name)
}

/// The last top-level member of this name.
pub(crate) fn top<'a>(body: &'a [u8], envelope: &Envelope, name: &str) -> Option<Node<'a>> {
    envelope.members().iter().rev().find(|member| member.key == name)?.node(body)
}

/// The text of the first of these that has any.
pub(crate) fn first_said<'a, const N: usize>(nodes: [Option<Node<'a>>; N]) -> Cow<'a, str> {
    let mut texts = nodes.into_iter().flatten().filter_map(Node::string);
    texts.find(|text| !text.trim().is_empty()).unwrap_or_default()
}

impl fmt::Display for InvalidMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.member, self.expected)
    }
}

impl std::error::Error for InvalidMember {}
