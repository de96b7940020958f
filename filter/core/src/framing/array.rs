use std::fmt;

use memchr::memchr2;

use super::window::MAX_EVENT;

/// The most that one element may have, in bytes.
pub const MAX_ELEMENT: usize = MAX_EVENT;

/// What a buffer may go on holding once it is empty, in bytes: a stream of small elements needs no more.
const KEPT_CAPACITY: usize = 64 << 10;

/// Cuts one JSON array that arrives in pieces into the texts of its elements: a stream of answers without frames, which is
/// what Gemini sends unless asked for `alt=sse` (<https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>).
///
/// [`push`](Self::push) bytes, split anywhere, then take elements with [`next`](Self::next) until it answers `None`; after
/// the last byte call [`finish`](Self::finish) and ask once more. An object is given out with its last brace, not with the
/// comma that the next one brings. Only strings, brackets and the array's own commas are looked at: whoever parses an
/// element learns whether it is JSON.
#[derive(Debug, Default)]
pub struct ArrayDecoder {
    buffer: Vec<u8>,
    /// Where the element being read begins; outside elements, the same as `scanned`.
    start: usize,
    /// Where the next byte to look at stands.
    scanned: usize,
    place: Place,
    finished: bool,
    failed: Option<ArrayError>,
}

/// Why there is no further element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayError {
    /// An element grew beyond [`MAX_ELEMENT`].
    TooLong,
    /// Not one array of elements with commas between them.
    Malformed,
    /// The bytes ended before the array did.
    Truncated,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    BeforeArray,
    BeforeElement,
    /// In an element that has no end of its own: a number, `true`, `false` or `null`.
    Word,
    /// In an element, with this many brackets open.
    Open(usize),
    /// In a string, with this many brackets open around it.
    String(usize),
    /// In a string, behind a backslash.
    StringEscape(usize),
    AfterElement,
    AfterArray,
}

impl ArrayDecoder {
    /// Takes the next bytes of the array.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.forget_taken();
        self.buffer.extend_from_slice(chunk);
    }

    /// No more bytes will come.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The text of the next whole element, `None` when more bytes are needed.
    ///
    /// # Errors
    /// Any [`ArrayError`], from then on at every call.
    #[expect(clippy::should_implement_trait, reason = "an element borrows from the decoder")]
    pub fn next(&mut self) -> Option<Result<&[u8], ArrayError>> {
        let error = match self.failed {
            Some(error) => error,
            None => match self.end_of_element() {
                Ok(Some(end)) => {
                    let element = self.start..end;
                    self.start = self.scanned;
                    return Some(Ok(self.buffer.get(element).unwrap_or_default()));
                }
                Ok(None) => return None,
                Err(error) => error,
            },
        };
        self.failed = Some(error);
        Some(Err(error))
    }

    /// Bytes received but not given out in an element, apart from what stands between elements.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads on to the end of the element that begins at `start`, or that has yet to begin.
    fn end_of_element(&mut self) -> Result<Option<usize>, ArrayError> {
        loop {
            if self.scanned.saturating_sub(self.start) > MAX_ELEMENT {
                return Err(ArrayError::TooLong);
            }
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            // Strings are nearly all of most elements: jump to what can end one.
            let plain = match self.place {
                Place::String(_) => memchr2(b'"', b'\\', rest).unwrap_or(rest.len()),
                _ => 0,
            };
            let Some(byte) = rest.get(plain) else {
                self.scanned = self.buffer.len();
                return match self.finished && self.place != Place::AfterArray {
                    _ if self.pending().len() > MAX_ELEMENT => Err(ArrayError::TooLong),
                    true => Err(ArrayError::Truncated),
                    false => Ok(None),
                };
            };
            let at = self.scanned.saturating_add(plain);
            let after = self.place.step(*byte)?;
            let before = std::mem::replace(&mut self.place, after);
            self.scanned = at.saturating_add(1);
            match (before.is_inside(), after.is_inside()) {
                // The byte behind a word is none of it, any other last byte is its element's own.
                (true, false) if before == Place::Word => return self.checked(at),
                (true, false) => return self.checked(self.scanned),
                (false, true) => self.start = at,
                (false, false) => self.start = self.scanned,
                (true, true) => {}
            }
        }
    }

    fn checked(&self, end: usize) -> Result<Option<usize>, ArrayError> {
        match end.saturating_sub(self.start) > MAX_ELEMENT {
            true => Err(ArrayError::TooLong),
            false => Ok(Some(end)),
        }
    }

    /// Drops the bytes that were given out, once they are at least half of all: so each byte is moved a bounded number of
    /// times, however the array is split.
    fn forget_taken(&mut self) {
        if self.start < self.buffer.len().div_ceil(2) {
            return;
        }
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        if self.buffer.is_empty() {
            self.buffer.shrink_to(KEPT_CAPACITY);
        }
    }
}

impl Place {
    fn is_inside(self) -> bool {
        matches!(self, Self::Word | Self::Open(_) | Self::String(_) | Self::StringEscape(_))
    }

    /// The place behind `byte`.
    fn step(self, byte: u8) -> Result<Self, ArrayError> {
        let place = match (self, byte) {
            (Self::String(open), b'\\') => Self::StringEscape(open),
            (Self::String(0), b'"') => Self::AfterElement,
            (Self::String(open), b'"') => Self::Open(open),
            (Self::String(open) | Self::StringEscape(open), _) => Self::String(open),

            (Self::Open(open), b'"') => Self::String(open),
            (Self::Open(open), b'{' | b'[') => Self::Open(open.saturating_add(1)),
            (Self::Open(open), b'}' | b']') if open <= 1 => Self::AfterElement,
            (Self::Open(open), b'}' | b']') => Self::Open(open.saturating_sub(1)),
            (Self::Open(open), _) => Self::Open(open),

            (Self::BeforeArray, b'[') => Self::BeforeElement,
            (Self::BeforeElement | Self::Word | Self::AfterElement, b']') => Self::AfterArray,
            (Self::Word | Self::AfterElement, b',') => Self::BeforeElement,
            (Self::Word, b' ' | b'\t' | b'\r' | b'\n') => Self::AfterElement,
            (place, b' ' | b'\t' | b'\r' | b'\n') => place,

            (Self::BeforeElement, b'{' | b'[') => Self::Open(1),
            (Self::BeforeElement, b'"') => Self::String(0),
            (Self::BeforeElement | Self::Word, byte) if !b",\"{}[]:".contains(&byte) => Self::Word,
            _ => return Err(ArrayError::Malformed),
        };
        Ok(place)
    }
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "an element of the array is longer than {MAX_ELEMENT} bytes"),
            Self::Malformed => f.write_str("not a JSON array"),
            Self::Truncated => f.write_str("the array ended early"),
        }
    }
}

impl std::error::Error for ArrayError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json, value::RawValue};

    use super::*;

    /// The elements, and how the array ended.
    fn decode<'b>(chunks: impl IntoIterator<Item = &'b [u8]>) -> (Vec<String>, Option<ArrayError>) {
        let mut decoder = ArrayDecoder::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            if let Some(error) = drain(&mut decoder, &mut seen) {
                return (seen, Some(error));
            }
        }
        decoder.finish();
        let error = drain(&mut decoder, &mut seen);
        (seen, error)
    }

    fn drain(decoder: &mut ArrayDecoder, seen: &mut Vec<String>) -> Option<ArrayError> {
        while let Some(element) = decoder.next() {
            match element {
                Ok(element) => seen.push(String::from_utf8_lossy(element).into_owned()),
                Err(error) => return Some(error),
            }
        }
        None
    }

    fn one(text: &str) -> (Vec<String>, Option<ArrayError>) {
        decode([text.as_bytes()])
    }

    #[test]
    fn cuts_at_the_commas_of_the_array_only() {
        let text = "\r\n[{\"a\":[1,{\"b\":\"]},\\\"[\\\\\"}]}\n,\n[2,3] ,\"x,\\\"]\", -1.5e3 ,null,true]\n ";
        let elements = [r#"{"a":[1,{"b":"]},\"[\\"}]}"#, "[2,3]", r#""x,\"]""#, "-1.5e3", "null", "true"];
        assert_eq!(one(text), (elements.map(str::to_owned).to_vec(), None));
        assert_eq!(one("[]"), (vec![], None));
        assert_eq!(one(" [ \n ] "), (vec![], None));
    }

    #[test]
    fn gives_an_object_out_with_its_last_brace() {
        let mut decoder = ArrayDecoder::default();
        decoder.push(b"[{\"a\":1}");
        assert_eq!(decoder.next(), Some(Ok(&b"{\"a\":1}"[..])));
        assert_eq!(decoder.next(), None);
        assert_eq!(decoder.pending(), b"");
        decoder.push(b"\n,\n{\"a\"");
        assert_eq!(decoder.next(), None);
        assert_eq!(decoder.pending(), b"{\"a\"");
    }

    #[test]
    fn refuses_what_is_not_one_array() {
        for (text, elements) in [
            ("{\"error\":{}}", 0),
            ("<html>", 0),
            ("\"[]\"", 0),
            ("[}", 0),
            ("[,1]", 0),
            ("[{}{}]", 1),
            ("[1 2]", 1),
            ("[1\"2\"]", 0),
            ("[{}]]", 1),
            ("[{}] []", 1),
        ] {
            let (seen, error) = one(text);
            assert_eq!((seen.len(), error), (elements, Some(ArrayError::Malformed)), "{text}");
        }
    }

    #[test]
    fn says_that_the_array_ended_early() {
        let text = "[{\"a\":\"\\\"b\"}, 12 ,[]]";
        for end in 0..text.len() {
            assert_eq!(decode([&text.as_bytes()[..end]]).1, Some(ArrayError::Truncated), "{end}");
        }
    }

    #[test]
    fn refuses_an_element_beyond_the_bound_and_stays_refusing() {
        for (open, close) in [("[1,\"", "\"]"), ("[1,{\"a\":\"", "\"}]"), ("[1,", "]")] {
            let fitting = MAX_ELEMENT - open.len() - close.len() + "[1,".len() + "]".len();
            for (length, error) in [(fitting, None), (fitting + 1, Some(ArrayError::TooLong))] {
                let text = format!("{open}{}{close}", "1".repeat(length));
                assert_eq!(decode(text.as_bytes().chunks(1 << 20)).1, error, "{open} {length}");
            }
        }
        let mut decoder = ArrayDecoder::default();
        decoder.push(format!("[\"{}", "x".repeat(MAX_ELEMENT)).as_bytes());
        assert_eq!(decoder.next(), Some(Err(ArrayError::TooLong)));
        decoder.push(b"\",1]");
        assert_eq!(decoder.next(), Some(Err(ArrayError::TooLong)));
    }

    #[test]
    fn white_space_between_elements_does_not_pile_up() {
        let mut decoder = ArrayDecoder::default();
        decoder.push(b"[1,");
        assert_eq!(decoder.next(), Some(Ok(&b"1"[..])));
        let blank = vec![b' '; 1 << 20];
        for _ in 0..20 {
            decoder.push(&blank);
            assert_eq!(decoder.next(), None);
            assert_eq!(decoder.pending(), b"");
        }
        decoder.push(b"2]");
        assert_eq!(decoder.next(), Some(Ok(&b"2"[..])));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\\n€{}\\[\\],:]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                ("[a-z\"{]{0,3}", inner).prop_map(|(key, value)| json!({ key: value })),
            ]
        })
    }

    proptest! {
        #[test]
        fn gives_the_elements_that_a_parser_gives(elements in proptest::collection::vec(value(), 0..6), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&elements) } else { serde_json::to_string(&elements) }.unwrap();
            let parsed: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
            let parsed: Vec<String> = parsed.into_iter().map(|raw| raw.get().to_owned()).collect();
            prop_assert_eq!(one(&text), (parsed, None));
        }

        #[test]
        fn split_anywhere_gives_the_same_elements(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("["), Just("]"), Just("{"), Just("}"), Just(","), Just("\""), Just("\\"), Just(" "), Just("\n"),
                    Just("1"), Just("null"), Just("{\"a\":[1,\"]\"]}"), Just(",\n{\"é\":\"\\\"\"}"), Just("[{}"), Just("x"),
                ],
                0..20,
            ),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = format!("[{}", pieces.concat()).into_bytes();
            let whole = decode([&*text]);
            prop_assert_eq!(&decode(text.chunks(1)), &whole);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            at.sort_unstable();
            let ends = at.iter().copied().chain([text.len()]);
            let starts = [0].into_iter().chain(at.iter().copied());
            let chunks: Vec<&[u8]> = starts.zip(ends).map(|(from, to)| &text[from..to]).collect();
            prop_assert_eq!(&decode(chunks), &whole);
        }
    }
}
