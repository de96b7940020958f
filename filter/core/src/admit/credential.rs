//! Where a client's key is in its head.

/// Headers that carry a client's credential, in the order they are looked at. `authorization` wins, as every OpenAI SDK
/// sends it; the others are what Anthropic's, Azure's and Google's SDKs send.
const CREDENTIAL_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// The client's key, from its headers.
///
/// `authorization` counts only with the scheme `Bearer` (case-insensitive, RFC 9110 §11.1).
#[must_use]
pub fn find_credential(headers: &[(String, String)]) -> Option<&str> {
    CREDENTIAL_HEADERS.iter().find_map(|wanted| {
        let (name, value) = headers.iter().find(|(name, _)| name == wanted)?;
        let key = if name == "authorization" {
            let (scheme, key) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())?
        } else {
            value.trim()
        };
        (!key.is_empty()).then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn reads_the_key_wherever_a_known_sdk_puts_it() {
        for (name, value) in [
            ("authorization", "Bearer sk-1"),
            ("authorization", "bearer  sk-1 "),
            ("x-api-key", "sk-1"),
            ("api-key", "sk-1"),
            ("x-goog-api-key", "sk-1"),
        ] {
            assert_eq!(find_credential(&headers(&[(name, value)])), Some("sk-1"), "{name}: {value}");
        }
    }

    #[test]
    fn other_schemes_and_empty_keys_are_none() {
        for value in ["Basic dXNlcg==", "Bearer", "Bearer  ", "sk-1"] {
            assert_eq!(find_credential(&headers(&[("authorization", value)])), None, "{value}");
        }
    }
}
