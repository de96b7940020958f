//! The elements of one JSON array that arrives in pieces.

use std::fmt;

use super::window::{MAX_EVENT, TooLong, Window};
use crate::json::{Cursor, Inside, is_blank};

/// Cuts one JSON array that arrives in pieces into the texts of its elements: a stream of answers without frames, which is
/// what Gemini sends unless asked for `alt=sse` (<https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>).
///
/// [`push`](Self::push) bytes, split anywhere, then take elements with [`next`](Self::next) until it answers `None`; after
/// the last byte call [`finish`](Self::finish) and ask once more. An object is given out with its last brace, not with the
/// comma that the next one brings. Only strings, brackets and the array's own commas are looked at: whoever parses an
/// element learns whether it is JSON.
#[derive(Debug, Default)]
pub struct ArrayDecoder {
    window: Window,
    place: Place,
    failed: Option<ArrayError>,
}

/// Why there is no further element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayError {
    /// An element grew beyond [`MAX_EVENT`].
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
    Element(Inside),
    AfterElement,
    AfterArray,
}

impl ArrayDecoder {
    /// Takes the next bytes of the array.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.failed.is_none() {
            self.window.push(chunk);
        }
    }

    /// No more bytes will come.
    pub fn finish(&mut self) {
        self.window.finish();
    }

    /// The text of the next whole element, `None` when more bytes are needed.
    ///
    /// # Errors
    /// Any [`ArrayError`], from then on at every call.
    #[expect(clippy::should_implement_trait, reason = "an element borrows from the decoder")]
    pub fn next(&mut self) -> Option<Result<&[u8], ArrayError>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        match self.end_of_element() {
            Ok(None) => None,
            Ok(Some(end)) => self.window.take(end, Some).map(Ok),
            Err(error) => {
                self.failed = Some(error);
                Some(Err(error))
            }
        }
    }

    /// Bytes received but not given out in an element, apart from what stands between elements.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.window.pending()
    }

    /// Reads on to the end of the element being read, or of the next one.
    fn end_of_element(&mut self) -> Result<Option<usize>, ArrayError> {
        loop {
            match self.place {
                Place::Element(inside) => return self.end_of_value(inside),
                _ => match self.next_place()? {
                    Some(place) => self.place = place,
                    None if self.window.is_finished() && self.place != Place::AfterArray => {
                        return Err(ArrayError::Truncated);
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    /// Steps over white space and one byte between elements, or to the first byte of one.
    fn next_place(&mut self) -> Result<Option<Place>, ArrayError> {
        let mut cursor = Cursor::new(self.window.pending());
        cursor.skip_blank();
        let place = match cursor.peek() {
            None => None,
            Some(byte) => Some(self.place.behind(byte)?),
        };
        if place.is_some_and(|place| !matches!(place, Place::Element(_))) {
            cursor.skip();
        }
        let passed = cursor.at();
        self.window.pass(passed);
        Ok(place)
    }

    fn end_of_value(&mut self, inside: Inside) -> Result<Option<usize>, ArrayError> {
        let mut cursor = Cursor::resume(self.window.pending(), self.window.read(), inside);
        let ended = cursor.value();
        let (end, inside, next) = (Window::check(cursor.at())?, cursor.inside(), cursor.peek());
        if ended.is_none() {
            self.window.read_to(end);
            self.place = Place::Element(inside);
            return if self.window.is_finished() { Err(ArrayError::Truncated) } else { Ok(None) };
        }
        // Brackets and quotation marks are the end of their own element, a word ends where something else may follow it.
        let is_own_end = matches!(cursor.since(end.saturating_sub(1)), b"\"" | b"]" | b"}");
        if !is_own_end && !next.is_some_and(|byte| is_blank(byte) || matches!(byte, b',' | b']')) {
            return Err(ArrayError::Malformed);
        }
        self.place = Place::AfterElement;
        Ok(Some(end))
    }
}

impl Place {
    /// The place behind `byte`, which is not white space, or before it where it is the first one of an element.
    fn behind(self, byte: u8) -> Result<Self, ArrayError> {
        match (self, byte) {
            (Self::BeforeArray, b'[') | (Self::AfterElement, b',') => Ok(Self::BeforeElement),
            (Self::BeforeElement | Self::AfterElement, b']') => Ok(Self::AfterArray),
            (Self::BeforeElement, byte) if !matches!(byte, b',' | b':' | b'}') => Ok(Self::Element(Inside::default())),
            _ => Err(ArrayError::Malformed),
        }
    }
}

impl From<TooLong> for ArrayError {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "an element of the array is longer than {MAX_EVENT} bytes"),
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
            let fitting = MAX_EVENT - open.len() - close.len() + "[1,".len() + "]".len();
            for (length, error) in [(fitting, None), (fitting + 1, Some(ArrayError::TooLong))] {
                let text = format!("{open}{}{close}", "1".repeat(length));
                assert_eq!(decode(text.as_bytes().chunks(1 << 20)).1, error, "{open} {length}");
            }
        }
        let mut decoder = ArrayDecoder::default();
        decoder.push(format!("[\"{}", "x".repeat(MAX_EVENT)).as_bytes());
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
