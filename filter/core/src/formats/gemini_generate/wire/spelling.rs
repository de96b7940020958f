//! The two spellings of a member's name.

use std::borrow::Cow;

/// `max_output_tokens` is `maxOutputTokens`; an underscore in front stays.
pub(crate) fn camel(key: Cow<'_, str>) -> Cow<'_, str> {
    let own = key.len().saturating_sub(key.trim_start_matches('_').len());
    if !key.bytes().skip(own).any(|byte| byte == b'_') {
        return key;
    }
    let mut name = String::with_capacity(key.len());
    let mut raise = false;
    for (index, letter) in key.chars().enumerate() {
        match letter {
            '_' if index >= own => raise = true,
            letter if raise => {
                name.extend(letter.to_uppercase());
                raise = false;
            }
            letter => name.push(letter),
        }
    }
    Cow::Owned(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_names_are_the_camel_case_ones() {
        for (given, expected) in [
            ("max_output_tokens", "maxOutputTokens"),
            ("maxOutputTokens", "maxOutputTokens"),
            ("_responseJsonSchema", "_responseJsonSchema"),
            ("_response_json_schema", "_responseJsonSchema"),
            ("file_uri", "fileUri"),
            ("a__b_", "aB"),
            ("", ""),
        ] {
            assert_eq!(camel(given.into()), expected);
        }
    }
}
