//! The one walker of strings, brackets, words and white space, which everything here that looks for a place is built on.

use memchr::memchr_iter;

/// A place in a JSON text, or in a piece of one, and the steps from there.
///
/// It goes by the shape of the text and checks nothing: strings end at their quotation mark, arrays and objects where as many
/// brackets have closed as opened, of whichever kind, and words (numbers, `true`, `false`, `null`) at the first byte that can
/// be none of theirs. A step answers `None` where the text ends first, and the cursor then stands at the end of the text. Where
/// texts come in pieces, [`inside`](Self::inside) is what has to be kept until the next piece, which is
/// [resumed](Self::resume) with it and the same step asked for again.
///
/// ```text
///     {"a":[1,"]\"           b"],"c":2}
///          └── value: None   ┴──┘ the same step again: Some
///                         │
///                         inside: one bracket is open, and a string
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    inside: Inside,
}

/// What the next byte stands in, as far as it has been stepped into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inside {
    /// Brackets open around it.
    open: usize,
    token: Token,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Token {
    /// In none, or before one.
    #[default]
    None,
    Word,
    String,
    /// In a string, behind a backslash that escapes the next byte.
    Escape,
}

impl<'t> Cursor<'t> {
    /// At the beginning of `text`.
    pub(crate) fn new(text: &'t [u8]) -> Self {
        Self::resume(text, 0, Inside::default())
    }

    /// At `at` of a further piece of a text, given what the piece before it ended inside of.
    pub(crate) fn resume(text: &'t [u8], at: usize, inside: Inside) -> Self {
        Self { text, at, inside }
    }

    /// What the text, as far as it is here, ends inside of: nothing, unless the last step answered `None`.
    #[inline]
    pub(crate) fn inside(&self) -> Inside {
        self.inside
    }

    /// How many bytes stand before it.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The bytes from `start` to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'t [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next byte, which is not stepped over.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Steps over the next byte, which is there.
    #[inline]
    pub(crate) fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Steps over white space.
    #[inline]
    pub(crate) fn skip_blank(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.skip();
        }
    }

    /// Steps over white space, and then over `byte`; stays before it when another one comes.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> Option<()> {
        self.skip_blank();
        (self.peek()? == byte).then(|| self.skip())
    }

    /// Steps over a value that begins here, or over the rest of one. A word has not ended before the byte behind it is here.
    /// Where no value begins, it steps over nothing.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<()> {
        match (self.inside.is_nothing(), self.inside.token) {
            (true, _) => match self.peek()? {
                b'"' => self.string(),
                b'[' | b'{' => self.follow(|open| open == 0),
                _ => self.word(),
            },
            (false, Token::Word) => self.word(),
            (false, _) => self.follow(|open| open == 0),
        }
    }

    /// Steps from one to the next of the strings, and of the brackets outside them, until behind one of them `is_enough` says
    /// so of how many brackets are open there.
    pub(crate) fn follow(&mut self, is_enough: impl Fn(usize) -> bool) -> Option<()> {
        let mut open = self.inside.open;
        let mut rest = self.rest();
        if matches!(self.inside.token, Token::String | Token::Escape) {
            rest = self.resumed_string(rest)?;
            if is_enough(open) {
                return self.stop(rest, open);
            }
        }
        // Bytes are looked at one by one outside strings only: those are nearly all of most texts.
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'"' => match behind_string(after) {
                    Some(behind) => rest = behind,
                    None => return self.cut(open, Token::in_string(after)),
                },
                b'[' | b'{' => open = open.saturating_add(1),
                b']' | b'}' => open = open.saturating_sub(1),
                _ => continue,
            }
            if is_enough(open) {
                return self.stop(rest, open);
            }
        }
        self.cut(open, Token::None)
    }

    /// What follows the string that the piece before this one ended in.
    fn resumed_string(&mut self, rest: &'t [u8]) -> Option<&'t [u8]> {
        let open = self.inside.open;
        let string = match self.inside.token {
            Token::Escape if rest.is_empty() => return None,
            Token::Escape => rest.get(1..)?,
            _ => rest,
        };
        let behind = behind_string(string);
        if behind.is_none() {
            self.cut(open, Token::in_string(string));
        }
        behind
    }

    /// Steps over a string.
    fn string(&mut self) -> Option<()> {
        let string = self.rest().get(1..)?;
        match behind_string(string) {
            Some(behind) => self.stop(behind, 0),
            None => self.cut(0, Token::in_string(string)),
        }
    }

    /// Steps over the rest of a word.
    fn word(&mut self) -> Option<()> {
        let rest = self.rest();
        match rest.iter().position(|byte| ends_word(*byte)) {
            Some(length) => self.stop(rest.get(length..)?, 0),
            None => self.cut(0, Token::Word),
        }
    }

    /// A step has ended before `rest`.
    #[inline]
    fn stop(&mut self, rest: &[u8], open: usize) -> Option<()> {
        self.at = self.text.len().saturating_sub(rest.len());
        self.inside = Inside { open, token: Token::None };
        Some(())
    }

    /// The text has ended in the middle of a step.
    #[cold]
    fn cut(&mut self, open: usize, token: Token) -> Option<()> {
        self.at = self.text.len();
        self.inside = Inside { open, token };
        None
    }

    #[inline]
    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }
}

impl Token {
    /// The place behind the last byte of a string that has not ended.
    #[cold]
    fn in_string(string: &[u8]) -> Self {
        if is_escaped(string, string.len()) { Self::Escape } else { Self::String }
    }
}

impl Inside {
    /// Whether no string, word or bracket is open.
    #[inline]
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// What follows a string, of which these bytes are the rest; `None` when it does not end.
#[inline]
fn behind_string(rest: &[u8]) -> Option<&[u8]> {
    let end = memchr_iter(b'"', rest).find(|at| !is_escaped(rest, *at))?;
    rest.get(end.saturating_add(1)..)
}

/// Whether the byte at `at` of a string is escaped: of an odd number of backslashes the last one is not escaped itself.
#[inline]
fn is_escaped(string: &[u8], at: usize) -> bool {
    let before = string.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Whether a byte can be none of a word.
#[inline]
fn ends_word(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b',' | b':' | b'"' | b'[' | b']' | b'{' | b'}')
}

/// White space as JSON has it (<https://www.rfc-editor.org/rfc/rfc8259#section-2>).
#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is left of `text` behind the value that it begins with.
    fn behind(text: &str) -> Option<&str> {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.value()?;
        assert!(cursor.inside().is_nothing(), "{text}");
        text.get(cursor.at()..)
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        for value in [r#""""#, r#""a""#, r#""\"]""#, r#""\\""#, "[]", r#"{"a":["]}\\",{"b":1}]}"#, "[[[]],[[]]]"] {
            for after in ["", ",", "]", " ", "\"", "1"] {
                assert_eq!(behind(&format!("{value}{after}")), Some(after), "{value}{after}");
            }
        }
        for word in ["1", "-1.5e+3", "true", "null"] {
            assert_eq!(behind(word), None, "{word}");
            for after in [",", "]", "}", " ", "\n", "\"", "["] {
                assert_eq!(behind(&format!("{word}{after}")), Some(after), "{word}{after}");
            }
        }
    }

    #[test]
    fn where_no_value_begins_nothing_is_stepped_over() {
        for text in [",", "]", "}", ":", " 1,"] {
            assert_eq!(behind(text), Some(text));
        }
        assert_eq!(behind(""), None);
    }

    #[test]
    fn eats_one_byte_and_the_white_space_before_it() {
        let mut cursor = Cursor::new(b" \r\n\t[ 1");
        assert_eq!((cursor.eat(b'{'), cursor.at()), (None, 4));
        assert_eq!((cursor.eat(b'['), cursor.at()), (Some(()), 5));
        assert_eq!((cursor.eat(b'['), cursor.peek()), (None, Some(b'1')));
        assert_eq!(cursor.since(4), b"[ ");
    }

    proptest! {
        /// Any split of a text steps over the same bytes.
        #[test]
        fn split_anywhere_ends_in_the_same_place(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("["), Just("]"), Just("{"), Just("}"), Just(","), Just("\""), Just("\\"), Just("\\\\"), Just(" "),
                    Just("1"), Just("null"), Just("\"a\\\"\""), Just("é"), Just(":"),
                ],
                0..20,
            ),
            cut in any::<prop::sample::Index>(),
        ) {
            let text = pieces.concat().into_bytes();
            let mut whole = Cursor::new(&text);
            let ended = whole.value();
            let in_pieces = |cuts: &[usize]| {
                let (mut from, mut inside) = (0, Inside::default());
                for to in cuts.iter().copied().chain([text.len()]) {
                    let mut cursor = Cursor::resume(&text[from..to], 0, inside);
                    // Before the first byte of a value nothing is known of it.
                    if cursor.value().is_some() {
                        return (Some(()), from + cursor.at(), cursor.inside());
                    }
                    (from, inside) = (to, cursor.inside());
                }
                (None, from, inside)
            };
            let expected = (ended, whole.at(), whole.inside());
            prop_assert_eq!(in_pieces(&[cut.index(text.len() + 1)]), expected);
            prop_assert_eq!(in_pieces(&(0..text.len()).collect::<Vec<_>>()), expected);
        }
    }
}
