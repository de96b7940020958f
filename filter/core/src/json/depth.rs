//! The bound on nesting.

use memchr::memchr2_iter;

use super::cursor::Cursor;

/// How deep arrays and objects of one JSON text may stand in each other.
pub const MAX_DEPTH: usize = 128;

/// Whether arrays and objects stand in each other more than [`MAX_DEPTH`] levels deep in `text`, which is valid JSON.
///
/// The parser steps over values without recursion, so it has no such bound of its own there.
#[must_use]
pub fn is_too_deep(text: &[u8]) -> bool {
    // Most texts have fewer brackets than that, strings included, which is seen much faster.
    if memchr2_iter(b'[', b'{', text).nth(MAX_DEPTH).is_none() {
        return false;
    }
    Cursor::new(text).follow(|open| open > MAX_DEPTH).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize, open: &str, inner: &str, close: &str) -> String {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    }

    #[test]
    fn counts_levels_of_arrays_and_objects_alike() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[ ", "\n]")] {
            assert!(!is_too_deep(nested(MAX_DEPTH, open, "1", close).as_bytes()));
            assert!(is_too_deep(nested(MAX_DEPTH + 1, open, "1", close).as_bytes()));
        }
        let mixed = nested(MAX_DEPTH / 2, "[{\"a\":", "[]", "}]");
        assert!(is_too_deep(mixed.as_bytes()));
        assert!(!is_too_deep(mixed.replace("[]", "0").as_bytes()));
    }

    #[test]
    fn counts_no_bracket_of_a_string_and_no_level_that_has_ended() {
        let brackets = "[{".repeat(200);
        for string in
            [&*brackets, &format!("\\\"{brackets}"), &format!("{brackets}\\\\"), &format!("\\u00e9{brackets}")]
        {
            assert!(!is_too_deep(format!("{{\"{string}\":\"{string}\",\"b\":[\"{string}\",1]}}").as_bytes()));
        }
        assert!(!is_too_deep(format!("[{}1]", "[[]],".repeat(200)).as_bytes()));
        assert!(is_too_deep(nested(MAX_DEPTH, "[\"]]\\\"]\",", "[]", "]").as_bytes()));
    }
}
