//! What a request lets its provider write: read, and lowered.

use std::borrow::Cow;

use super::{InvalidMember, Policy};
use crate::json::{Edit, Envelope, Node};

/// Where a format's requests bound their answers.
pub(crate) struct Output {
    /// The top-level object that the members stand in; `None` where they are top-level members themselves.
    pub(crate) within: Option<&'static str>,
    /// The members that cap the tokens of an answer: which of them counts is the server's to say, so the largest does here.
    pub(crate) caps: &'static [Number],
    /// The least number that caps. What is below is refused by the vendor, or means *no cap* to servers of open models
    /// (`-1` to llama.cpp and LM Studio): it is no bound either way.
    pub(crate) least: u64,
    /// The cap to add for this model where a request has none.
    pub(crate) added: fn(&str) -> &'static str,
    /// The members that say how many answers are written, whether or not all are shown.
    pub(crate) choices: &'static [Number],
    /// How many prompts a request has, each of which gets so many answers, where there can be several.
    pub(crate) prompts: Option<fn(&[u8], &Envelope) -> u64>,
    /// What must become smaller with the cap.
    pub(crate) budget: Option<LowerBudget>,
}

/// A member whose value is a whole number.
pub(crate) struct Number {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its path, for people.
    pub(crate) path: &'static str,
}

/// See [`Output::budget`]: the edit that keeps a request acceptable when its cap, so far this one or none, becomes that one.
pub(crate) type LowerBudget = fn(Lowered, &[u8], &Envelope) -> Option<Edit<'static>>;

/// A cap that becomes smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lowered {
    /// What it was; `None` for no cap.
    pub(crate) from: Option<u64>,
    /// What it becomes.
    pub(crate) to: u64,
}

impl Number {
    /// A top-level member.
    pub(crate) const fn top(name: &'static str) -> Self {
        Self { name, path: name }
    }

    fn invalid(&self, expected: &'static str) -> InvalidMember {
        InvalidMember { member: self.path, expected }
    }
}

impl Policy {
    /// The most tokens that one answer may have; `None` where the request sets no bound.
    pub(crate) fn output_cap(&self, body: &[u8], envelope: &Envelope) -> Result<Option<u64>, InvalidMember> {
        let Some(output) = &self.output else { return Ok(Some(0)) };
        let mut largest = None;
        let mut is_bound = true;
        for cap in output.caps {
            if let Some(number) = self.number(cap, output, body, envelope)? {
                let bound = u64::try_from(number).ok().filter(|bound| *bound >= output.least);
                is_bound &= bound.is_some();
                largest = largest.max(bound);
            }
        }
        Ok(largest.filter(|_| is_bound))
    }

    /// How many answers are written; at least one.
    pub(crate) fn choices(&self, body: &[u8], envelope: &Envelope) -> Result<u64, InvalidMember> {
        let Some(output) = &self.output else { return Ok(1) };
        let mut most = 1;
        for choices in output.choices {
            let number = self.number(choices, output, body, envelope)?;
            most = most.max(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(1));
        }
        Ok(most.saturating_mul(output.prompts.map_or(1, |prompts| prompts(body, envelope))))
    }

    /// The edits after which no answer may have more than `most` tokens; none where that holds already.
    pub(crate) fn clamp<'e>(
        &self,
        model: &str,
        most: u64,
        body: &[u8],
        envelope: &'e Envelope,
    ) -> Result<Vec<Edit<'e>>, InvalidMember> {
        let Some(output) = &self.output else { return Ok(Vec::new()) };
        let from = self.output_cap(body, envelope)?;
        if from.is_some_and(|cap| cap <= most) {
            return Ok(Vec::new());
        }
        let added = (output.added)(model);
        let mut edits = match output.within {
            None => self.lower(output, added, most, body, envelope),
            Some(within) => {
                let object = self.object(within, body, envelope)?;
                let (key, value) = match object {
                    Some((key, object)) if !object.is_null() => {
                        let text = object.text().as_bytes();
                        let expected = InvalidMember { member: within, expected: "an object" };
                        let inner = Envelope::scan(text).map_err(|_| expected)?;
                        let lowered = inner.splice(text, &self.lower(output, added, most, text, &inner));
                        (key, String::from_utf8(lowered).map_err(|_| expected)?)
                    }
                    nothing => (nothing.map_or(within, |(key, _)| key), format!("{{\"{added}\":{most}}}")),
                };
                vec![Edit::Set(key, value.into())]
            }
        };
        let budget = output.budget.and_then(|lower| lower(Lowered { from, to: most }, body, envelope));
        edits.extend(budget);
        Ok(edits)
    }

    /// The edits of the level that has the caps, which are valid.
    fn lower<'e>(
        &self,
        output: &Output,
        added: &'static str,
        most: u64,
        text: &[u8],
        level: &'e Envelope,
    ) -> Vec<Edit<'e>> {
        let to = || Cow::Owned(most.to_string());
        let mut edits = Vec::with_capacity(2);
        let mut is_set = false;
        let mut absent = added;
        for member in level.members() {
            let name = (self.spelled)(&member.key);
            let Some(value) = member.node(text).filter(|_| output.caps.iter().any(|cap| cap.name == name)) else {
                continue;
            };
            if value.is_null() {
                // The member to add stands there already, in a spelling of its own.
                absent = if name == added { &member.key } else { absent };
                continue;
            }
            is_set = true;
            let bound = whole(value).and_then(|number| u64::try_from(number).ok());
            if bound.is_none_or(|bound| bound < output.least || bound > most) {
                edits.push(Edit::Set(&member.key, to()));
            }
        }
        if !is_set {
            edits.push(Edit::Set(absent, to()));
        }
        edits
    }

    /// The value of a number; `None` where it is absent or null.
    fn number(
        &self,
        number: &Number,
        output: &Output,
        body: &[u8],
        envelope: &Envelope,
    ) -> Result<Option<i64>, InvalidMember> {
        let mut found = Found::Absent;
        match output.within {
            None => {
                for member in envelope.members() {
                    if (self.spelled)(&member.key) == number.name {
                        found = found.and(member.node(body));
                    }
                }
            }
            Some(within) => {
                let object = self.object(within, body, envelope)?.map(|(_, object)| object);
                if let Some(object) = object.filter(|object| !object.is_null()) {
                    let mut see = |key: Cow<'_, str>, value| {
                        if (self.spelled)(&key) == number.name {
                            found = found.and(Some(value));
                        }
                    };
                    let members = object.each_member(&mut see);
                    members.ok_or(InvalidMember { member: within, expected: "an object" })?;
                }
            }
        }
        match found {
            Found::Absent => Ok(None),
            Found::Once(value) if value.is_null() => Ok(None),
            Found::Once(value) => whole(value).map(Some).ok_or_else(|| number.invalid("a whole number")),
            Found::Again => Err(number.invalid("given once")),
        }
    }

    /// The top-level object of this name, with its key as it is written.
    fn object<'a, 'e>(
        &self,
        within: &'static str,
        body: &'a [u8],
        envelope: &'e Envelope,
    ) -> Result<Option<(&'e str, Node<'a>)>, InvalidMember> {
        let mut objects = envelope.members().iter().filter(|member| (self.spelled)(&member.key) == within);
        let Some(member) = objects.next() else { return Ok(None) };
        if objects.next().is_some() {
            return Err(InvalidMember { member: within, expected: "given once" });
        }
        Ok(member.node(body).map(|object| (member.key.as_str(), object)))
    }
}

/// How often a member was met.
#[derive(Clone, Copy)]
enum Found<'t> {
    Absent,
    Once(Node<'t>),
    /// Two could say different things to the provider and to us.
    Again,
}

impl<'t> Found<'t> {
    fn and(self, value: Option<Node<'t>>) -> Self {
        match (self, value) {
            (_, None) => self,
            (Self::Absent, Some(value)) => Self::Once(value),
            (Self::Once(_) | Self::Again, Some(_)) => Self::Again,
        }
    }
}

/// A whole number, of whatever sign; `16.0` counts, and digits in quotes: Google's JSON has them
/// (<https://protobuf.dev/programming-guides/json/>), and servers in Python read them. One that is too large is the largest.
fn whole(node: Node<'_>) -> Option<i64> {
    let text = match node.is_string() {
        true => node.string()?,
        false => Cow::Borrowed(node.text()),
    };
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        let is_whole = number.is_finite() && number.fract() == 0.0;
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "whole; what is beyond is cut to it"
        )]
        is_whole.then_some(number as i64)
    })
}
