//! One level of an array or an object, without a look at what stands deeper.

use std::borrow::Cow;

use memchr::memchr;

use super::{
    cursor::{Cursor, Inside},
    read::Node,
    unescape::unescape,
};

/// Most elements of one array, and most members of one object, that are looked into: each takes several times the room
/// that it takes in the text.
pub(super) const MAX_ELEMENTS: usize = 1 << 20;
pub(super) const MAX_MEMBERS: usize = 1 << 16;

/// Walks along one level of a JSON text that is known to be valid. Nothing is checked again: of what stands deeper only the
/// end is looked for. A text that is not valid after all gives `None`, or parts of it.
#[derive(Clone, Copy)]
pub(super) struct Shallow<'t> {
    text: &'t str,
    cursor: Cursor<'t>,
}

impl<'t> Shallow<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, cursor: Cursor::new(text.as_bytes()) }
    }

    /// Calls `one` with each element, where the text is an array.
    pub(super) fn each_element(mut self, one: &mut dyn FnMut(Node<'t>)) -> Option<()> {
        self.each(b'[', b']', |walk| {
            one(walk.value()?);
            Some(())
        })
    }

    /// Calls `one` with each member, where the text is an object.
    pub(super) fn each_member(mut self, one: &mut dyn FnMut(Cow<'t, str>, Node<'t>)) -> Option<()> {
        self.each(b'{', b'}', |walk| {
            one(unescape(walk.key()?)?, walk.value()?);
            Some(())
        })
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
        self.cursor.eat(open)?;
        if self.cursor.eat(close).is_some() {
            return Some(());
        }
        loop {
            one(self)?;
            if self.cursor.eat(b',').is_none() {
                return self.cursor.eat(close);
            }
        }
    }

    /// What stands between the quotation marks of a key. The colon is walked over too.
    fn key(&mut self) -> Option<&'t str> {
        let key = self.value()?;
        self.cursor.eat(b':')?;
        inside(key.text())
    }

    fn value(&mut self) -> Option<Node<'t>> {
        self.cursor.skip_blank();
        let start = self.cursor.at();
        self.cursor.value()?;
        let value = self.text.get(start..self.cursor.at())?;
        (!value.is_empty()).then(|| Node::of_scanned(value))
    }
}

/// Calls `one` with every string that is a value, however deep it stands; no key is one. In a walk without recursion: a text
/// may be nested deeper than a stack is.
pub(super) fn each_string<'t>(text: &'t str, one: &mut dyn FnMut(Node<'t>)) -> Option<()> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(before) = memchr(b'"', bytes.get(from..)?) {
        let start = before.saturating_add(from);
        let mut cursor = Cursor::resume(bytes, start, Inside::default());
        cursor.value()?;
        let string = text.get(start..cursor.at())?;
        from = cursor.at();
        cursor.skip_blank();
        if cursor.peek() != Some(b':') {
            one(Node::of_scanned(string));
        }
    }
    Some(())
}

/// A string's text without its quotation marks.
pub(super) fn inside(string: &str) -> Option<&str> {
    string.strip_prefix('"')?.strip_suffix('"')
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

    fn strings_of<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(all) => all.iter().for_each(|one| strings_of(one, found)),
            Value::Object(all) => all.values().for_each(|one| strings_of(one, found)),
            _ => {}
        }
    }

    #[test]
    fn strings_are_found_however_deep_they_stand() {
        let text = format!("{}\"a\"{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        let mut found = Vec::new();
        each_string(&text, &mut |node| found.push(node.text())).unwrap();
        assert_eq!(found, ["\"a\""]);
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

        /// Each value that is a string, once and in order, and no key.
        #[test]
        fn finds_every_string_that_is_a_value(value in value(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            each_string(&text, &mut |node| found.push(node.string().unwrap())).unwrap();
            strings_of(&value, &mut expected);
            prop_assert_eq!(found, expected);
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
