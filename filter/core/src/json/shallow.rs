use std::borrow::Cow;

use memchr::memchr_iter;

use super::{read::Node, unescape::unescape};

/// Most elements of one array, and most members of one object, that are looked into: each takes several times the room
/// that it takes in the text.
pub(super) const MAX_ELEMENTS: usize = 1 << 20;
pub(super) const MAX_MEMBERS: usize = 1 << 16;

/// Walks along one level of a JSON text that is known to be valid. Nothing is checked again: of what stands deeper only the
/// end is looked for. A text that is not valid after all gives `None`, or parts of it.
#[derive(Clone, Copy)]
pub(super) struct Shallow<'t> {
    /// What has not been walked over.
    rest: &'t str,
}

impl<'t> Shallow<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The elements, where the text is an array.
    pub(super) fn elements(mut self) -> Option<Vec<Node<'t>>> {
        let mut elements = Vec::new();
        self.each(b'[', b']', |walk| {
            elements.push(walk.value()?);
            (elements.len() <= MAX_ELEMENTS).then_some(())
        })?;
        Some(elements)
    }

    /// The members, where the text is an object.
    pub(super) fn members(mut self) -> Option<Vec<(Cow<'t, str>, Node<'t>)>> {
        let mut members = Vec::with_capacity(4);
        self.each(b'{', b'}', |walk| {
            members.push((unescape(walk.key()?)?, walk.value()?));
            (members.len() <= MAX_MEMBERS).then_some(())
        })?;
        Some(members)
    }

    /// The last member of this name, where the text is an object.
    pub(super) fn member(mut self, name: &str) -> Option<Node<'t>> {
        let mut found = None;
        self.each(b'{', b'}', |walk| {
            let (key, value) = (walk.key()?, walk.value()?);
            if unescape(key)? == name {
                found = Some(value);
            }
            Some(())
        })?;
        found
    }

    /// Calls `one` at the beginning of everything that stands between the brackets and the commas.
    fn each(&mut self, open: u8, close: u8, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(open)?;
        if self.eat(close).is_some() {
            return Some(());
        }
        loop {
            one(self)?;
            if self.eat(b',').is_none() {
                return self.eat(close);
            }
        }
    }

    /// What stands between the quotation marks of a key. The colon is walked over too.
    fn key(&mut self) -> Option<&'t str> {
        self.skip_blank();
        let end = end_of_string(self.rest.as_bytes())?;
        let key = self.take(end)?;
        self.eat(b':')?;
        inside(key)
    }

    fn value(&mut self) -> Option<Node<'t>> {
        self.skip_blank();
        let text = self.rest.as_bytes();
        let end = match text.first()? {
            b'"' => end_of_string(text)?,
            b'{' | b'[' => end_of_brackets(text)?,
            _ => text.iter().position(|byte| b",]} \t\r\n".contains(byte)).unwrap_or(text.len()),
        };
        self.take(end).filter(|value| !value.is_empty()).map(Node::of_scanned)
    }

    /// Walks over `byte`, and white space before it; stays where it is when something else comes.
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.skip_blank();
        if self.rest.as_bytes().first() != Some(&byte) {
            return None;
        }
        self.take(1).map(|_| ())
    }

    fn skip_blank(&mut self) {
        // Nearly always there is none.
        if matches!(self.rest.as_bytes().first(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.rest = self.rest.trim_ascii_start();
        }
    }

    fn take(&mut self, length: usize) -> Option<&'t str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

/// A string's text without its quotation marks.
pub(super) fn inside(string: &str) -> Option<&str> {
    string.strip_prefix('"')?.strip_suffix('"')
}

/// Where a string ends that begins with `text`.
fn end_of_string(text: &[u8]) -> Option<usize> {
    after_string(text.get(1..)?).map(|after| text.len().saturating_sub(after.len()))
}

/// Where an array or an object ends that begins with `text`.
fn end_of_brackets(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_string(rest)?,
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(text.len().saturating_sub(rest.len()));
                }
            }
            _ => {}
        }
    }
    None
}

/// What follows a string, given what follows its opening quotation mark; `None` when it does not end.
pub(super) fn after_string(text: &[u8]) -> Option<&[u8]> {
    let end = memchr_iter(b'"', text).find(|at| {
        let before = text.get(..*at).unwrap_or_default();
        // Of an odd number of backslashes the last one escapes the mark.
        before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
    })?;
    text.get(end.saturating_add(1)..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_not_json_has_no_members_and_does_no_harm() {
        for text in [
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":\"\\",
            "[1 2]",
            "[",
            "[\"",
            "[[",
            "",
        ] {
            assert_eq!(Shallow::of(text).members(), None, "{text}");
            assert_eq!(Shallow::of(text).elements(), None, "{text}");
            assert_eq!(Shallow::of(text).member("a"), None, "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\\n€{}\\[\\],: ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("[a-z\"\\\\{ ]{0,3}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// What a parser finds level by level is found here.
        #[test]
        fn finds_what_a_parser_finds(value in value(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert_eq!(rebuild(Node::parse(text.as_bytes()).unwrap()), value);
        }
    }

    fn rebuild(node: Node<'_>) -> Value {
        if let Some(elements) = node.elements() {
            return elements.into_iter().map(rebuild).collect();
        }
        let Some(members) = node.members() else {
            return node.string().map_or_else(|| serde_json::from_str(node.text()).unwrap(), Value::from);
        };
        for (key, value) in &members {
            assert_eq!(node.member(key), Some(*value), "{key}");
        }
        Value::Object(members.into_iter().map(|(key, value)| (key.into_owned(), rebuild(value))).collect())
    }
}
