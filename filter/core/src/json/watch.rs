use memchr::memchr2;

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
    /// Brackets open around the next byte.
    depth: usize,
    /// The key being read, or the value being kept.
    kept: Vec<u8>,
    keeping: bool,
    found: Option<Vec<u8>>,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the object, or between a comma and a key.
    BeforeKey,
    /// In a key of the top level.
    Key,
    /// In a key of the top level, after a backslash.
    KeyEscape,
    /// Between a key and its colon.
    AfterKey,
    /// In a value, outside strings.
    Value,
    /// In a string of a value.
    String,
    /// In a string of a value, after a backslash.
    StringEscape,
    /// After the object, or in a body that is none.
    Over,
}

impl Watch {
    /// Looks for the member called `wanted`, a name without escapes.
    #[must_use]
    pub fn new(wanted: &'static str) -> Self {
        Self { wanted, place: Place::BeforeKey, depth: 0, kept: Vec::new(), keeping: false, found: None }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some((byte, after)) = rest.split_first() {
            if self.place == Place::Over {
                return;
            }
            if self.place == Place::String {
                // Strings are nearly all of most bodies: jump to what can end one.
                let plain = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                let (text, beyond) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                self.keep(text);
                let Some((byte, after)) = beyond.split_first() else { return };
                self.keep(&[*byte]);
                self.place = if *byte == b'"' { Place::Value } else { Place::StringEscape };
                rest = after;
                continue;
            }
            self.step(*byte);
            rest = after;
        }
    }

    /// The JSON text of the member, once its value has ended.
    #[must_use]
    pub fn found(&self) -> Option<&[u8]> {
        self.found.as_deref()
    }

    fn step(&mut self, byte: u8) {
        match self.place {
            Place::BeforeKey => match byte {
                b'{' if self.depth == 0 => self.depth = 1,
                b'"' if self.depth == 1 => {
                    self.kept.clear();
                    self.place = Place::Key;
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' => {}
                // A byte order mark before the object is no part of it.
                0xef | 0xbb | 0xbf if self.depth == 0 => {}
                _ => self.place = Place::Over,
            },
            Place::Key => match byte {
                b'"' => self.place = Place::AfterKey,
                b'\\' => {
                    self.keep_key(byte);
                    self.place = Place::KeyEscape;
                }
                _ => self.keep_key(byte),
            },
            Place::KeyEscape => {
                self.keep_key(byte);
                self.place = Place::Key;
            }
            Place::AfterKey => {
                if byte == b':' {
                    self.keeping = self.kept == self.wanted.as_bytes();
                    self.kept.clear();
                    self.place = Place::Value;
                }
            }
            Place::Value => self.step_value(byte),
            Place::StringEscape => {
                self.keep(&[byte]);
                self.place = Place::String;
            }
            Place::String | Place::Over => {}
        }
    }

    fn step_value(&mut self, byte: u8) {
        match byte {
            b'"' => self.place = Place::String,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end_value();
                    self.place = Place::Over;
                    return;
                }
            }
            b',' if self.depth == 1 => {
                self.end_value();
                self.place = Place::BeforeKey;
                return;
            }
            _ => {}
        }
        self.keep(&[byte]);
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

    /// One byte more than the wanted name is enough to know that a key is another.
    fn keep_key(&mut self, byte: u8) {
        if self.kept.len() <= self.wanted.len() {
            self.kept.push(byte);
        }
    }
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
