//! One member of a body that passes by.

use super::cursor::{Cursor, Inside, is_blank};

/// The most that a watched value may have, in bytes; a longer one counts as absent.
pub(super) const MAX_VALUE: usize = 64 << 10;

/// Finds the value of one top-level member of a JSON object that arrives in pieces, keeping nothing else of it.
///
/// It follows strings and brackets only and does not validate: what it watches is somebody else's body, passed on as it
/// is. Of a repeated member the last value counts. A body that is not an object has no such member.
#[derive(Debug)]
pub struct Watch {
    wanted: &'static str,
    place: Place,
    /// What the body, as far as it came, ends inside of, below the first level.
    inside: Inside,
    /// The key being read, or the value being kept.
    kept: Vec<u8>,
    keeping: bool,
    found: Option<Vec<u8>>,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    BeforeObject,
    /// Behind the object's bracket, or a comma.
    BeforeKey,
    Key,
    /// Between a key and its colon.
    AfterKey,
    /// Between a colon and the end of its value.
    Value,
    /// After the object, or in a body that is none.
    Over,
}

impl Watch {
    /// Looks for the member called `wanted`, a name without escapes.
    #[must_use]
    pub fn new(wanted: &'static str) -> Self {
        Self {
            wanted,
            place: Place::BeforeObject,
            inside: Inside::default(),
            kept: Vec::new(),
            keeping: false,
            found: None,
        }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, chunk: &[u8]) {
        let mut cursor = Cursor::resume(chunk, 0, self.inside);
        while self.step(&mut cursor).is_some() {}
        self.inside = cursor.inside();
    }

    /// The JSON text of the member, once its value has ended.
    #[must_use]
    pub fn found(&self) -> Option<&[u8]> {
        self.found.as_deref()
    }

    /// Reads on by one token; `None` when more bytes are needed, or none matter.
    fn step(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        match self.place {
            Place::BeforeObject => match next(cursor)? {
                b'{' => self.place = Place::BeforeKey,
                // A byte order mark before the object is no part of it.
                0xef | 0xbb | 0xbf | b',' => {}
                byte if is_blank(byte) => {}
                _ => self.place = Place::Over,
            },
            Place::BeforeKey => match cursor.peek()? {
                b'"' => {
                    self.kept.clear();
                    self.place = Place::Key;
                }
                byte if byte == b',' || is_blank(byte) => cursor.skip(),
                _ => self.place = Place::Over,
            },
            Place::Key => {
                let start = cursor.at();
                let ended = cursor.value();
                self.keep_key(cursor.since(start));
                ended?;
                self.place = Place::AfterKey;
            }
            Place::AfterKey => {
                if next(cursor)? == b':' {
                    self.keeping = self.is_wanted();
                    self.kept.clear();
                    self.place = Place::Value;
                }
            }
            Place::Value => self.read_value(cursor)?,
            Place::Over => return None,
        }
        Some(())
    }

    fn read_value(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let start = cursor.at();
        let ended = match cursor.inside().is_nothing().then(|| cursor.peek()) {
            Some(None) => return None,
            Some(Some(b',')) => {
                self.end_value();
                self.place = Place::BeforeKey;
                return Some(());
            }
            Some(Some(b'}' | b']')) => {
                self.end_value();
                self.place = Place::Over;
                return None;
            }
            Some(Some(byte)) if byte == b':' || is_blank(byte) => {
                cursor.skip();
                Some(())
            }
            Some(Some(_)) | None => cursor.value(),
        };
        self.keep(cursor.since(start));
        ended
    }

    fn end_value(&mut self) {
        if self.keeping {
            self.found = Some(self.kept.trim_ascii().to_vec());
            self.keeping = false;
        }
        self.kept.clear();
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.keeping {
            return;
        }
        if self.kept.len().saturating_add(bytes.len()) > MAX_VALUE {
            self.keeping = false;
            self.kept = Vec::new();
            return;
        }
        self.kept.extend_from_slice(bytes);
    }

    /// One byte more than the wanted name in its quotation marks is enough to know that a key is another.
    fn keep_key(&mut self, bytes: &[u8]) {
        let room = self.wanted.len().saturating_add(3).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn is_wanted(&self) -> bool {
        matches!(&*self.kept, [b'"', name @ .., b'"'] if name == self.wanted.as_bytes())
    }
}

/// The next byte, stepped over.
fn next(cursor: &mut Cursor<'_>) -> Option<u8> {
    let byte = cursor.peek()?;
    cursor.skip();
    Some(byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn watch(chunks: &[&[u8]]) -> Option<String> {
        let mut watch = Watch::new("usage");
        for chunk in chunks {
            watch.push(chunk);
        }
        watch.found().map(|found| String::from_utf8(found.to_vec()).unwrap())
    }

    fn one(text: &str) -> Option<String> {
        watch(&[text.as_bytes()])
    }

    #[test]
    fn finds_the_top_level_member_only() {
        assert_eq!(
            one(r#"{"a":{"usage":1},"b":"\"usage\":2","usage" : {"x":[1,"}"]} ,"c":[]}"#).unwrap(),
            r#"{"x":[1,"}"]}"#
        );
        assert_eq!(one(r#"{"usages":1,"usag":2,"us\u0061ge":3}"#), None);
        assert_eq!(one(r#"{"usage":null}"#).unwrap(), "null");
        assert_eq!(one(r#"{"usage":1,"usage":2}"#).unwrap(), "2");
    }

    #[test]
    fn has_nothing_to_find_in_what_is_no_object() {
        for text in ["", "[{\"usage\":1}]", "\"usage\"", "<html>{\"usage\":1}", "{\"usage\":12", "{} {\"usage\":1}"] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn gives_a_value_beyond_the_bound_up() {
        let text = format!(r#"{{"usage":"{}","b":1}}"#, "x".repeat(MAX_VALUE));
        assert_eq!(one(&text), None);
    }

    proptest! {
        #[test]
        fn split_anywhere_finds_the_same(cuts in proptest::collection::vec(0usize..90, 0..8)) {
            let text = r#" {"data":[{"e":[0.5,-1e3]},"a\\\"}],"],"usage":{"prompt_tokens":7,"d":{"s":"]}"}},"é":2} "#.as_bytes();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                let cut = cut.min(text.len());
                chunks.push(&text[from..cut]);
                from = cut;
            }
            chunks.push(&text[from..]);
            prop_assert_eq!(watch(&chunks).unwrap(), r#"{"prompt_tokens":7,"d":{"s":"]}"}}"#);
        }
    }
}
