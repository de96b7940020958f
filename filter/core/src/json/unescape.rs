//! What strings say.

use std::borrow::Cow;

use memchr::memchr;

/// What a JSON string says, given the text between its quotation marks, which is known to be valid: borrowed when nothing in
/// it is escaped. `None` when it says no text, because half of a surrogate pair stands alone.
pub(super) fn unescape(text: &str) -> Option<Cow<'_, str>> {
    let Some(first) = memchr(b'\\', text.as_bytes()) else { return Some(Cow::Borrowed(text)) };
    let mut said = String::with_capacity(text.len());
    let (mut rest, mut escape) = (text, Some(first));
    while let Some(at) = escape {
        let (plain, escaped) = rest.split_at_checked(at)?;
        said.push_str(plain);
        let (letter, after) = unescape_one(escaped)?;
        said.push(letter);
        rest = after;
        escape = memchr(b'\\', rest.as_bytes());
    }
    said.push_str(rest);
    Some(Cow::Owned(said))
}

/// The character that the escape at the start of `text` means, and what follows it
/// (<https://www.rfc-editor.org/rfc/rfc8259#section-7>).
fn unescape_one(text: &str) -> Option<(char, &str)> {
    let (kind, after) = (*text.as_bytes().get(1)?, text.get(2..)?);
    let letter = match kind {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unescape_unit(after),
        b'"' | b'\\' | b'/' => char::from(kind),
        _ => return None,
    };
    Some((letter, after))
}

/// The character that one UTF-16 unit in four hex digits means, or two of them with `\u` between.
fn unescape_unit(text: &str) -> Option<(char, &str)> {
    let (high, after) = unit(text)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high)?, after));
    }
    let (low, after) = unit(after.strip_prefix("\\u")?)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    let beyond = (high.saturating_sub(0xd800) << 10) | low;
    Some((char::from_u32(beyond.saturating_add(0x1_0000))?, after))
}

fn unit(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a parser says of the same string.
    fn parsed(text: &str) -> Option<String> {
        serde_json::from_str(&format!("\"{text}\"")).ok()
    }

    #[test]
    fn every_escape_means_what_it_means_to_a_parser() {
        for text in
            [r#"\"\\\/\b\f\n\r\t"#, r"A\u00fc\u20AC", r"\ud83d\ude00!", r"\\u0041", r"é\né", r"\u0000", "", "plain"]
        {
            assert!(parsed(text).is_some(), "{text}");
            assert_eq!(unescape(text).map(Cow::into_owned), parsed(text), "{text}");
        }
    }

    #[test]
    fn half_a_pair_is_no_text() {
        for text in [r"\ud83d", r"\ud83d!", r"\ude00", r"\ud83d\n", r"\ud83dA", r"\ud83d\ud83d", r"a\udfff"] {
            assert_eq!(parsed(text), None, "{text}");
            assert_eq!(unescape(text), None, "{text}");
        }
    }

    #[test]
    fn what_has_no_escape_is_borrowed() {
        assert!(matches!(unescape("Zürich"), Some(Cow::Borrowed("Zürich"))));
    }

    proptest! {
        #[test]
        fn strings_say_what_they_say_to_a_parser(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("a"), Just("é"), Just("😀"), Just("\\n"), Just("\\\\"), Just("\\\""), Just("\\u00e9"),
                    Just("\\ud83d"), Just("\\ude00"), Just("\\u0041"), Just("u"), Just("0041"),
                ],
                0..12,
            ),
        ) {
            let text = pieces.concat();
            prop_assert_eq!(unescape(&text).map(Cow::into_owned), parsed(&text));
        }
    }
}
