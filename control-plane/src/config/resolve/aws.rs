//! What only Bedrock has: where it is, and that its requests can be signed.

use super::check::Check;
use crate::config::raw;

/// Complains of what stands in the entry of another kind.
pub(super) fn refuse(check: &mut Check<'_>, raw: &raw::Provider) {
    for (key, text) in [
        ("region", &raw.region),
        ("access_key_id", &raw.access_key_id),
        ("secret_access_key", &raw.secret_access_key),
        ("session_token", &raw.session_token),
    ] {
        if let Some(text) = text {
            check.problem::<()>(&text.referenced, format!("`{key}` belongs to the kind `bedrock`; remove it here"));
        }
    }
}

/// The region, where it is stated; it becomes part of a host's name.
pub(super) fn region(check: &mut Check<'_>, raw: &raw::Provider) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    check.parsed(raw.region.as_ref()?, "a region; write it like us-east-1", |text| {
        (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
    })
}

/// Where Bedrock is served: <https://docs.aws.amazon.com/general/latest/gr/bedrock.html>.
pub(super) fn base_url(region: &str) -> String {
    format!("https://bedrock-runtime.{region}.amazonaws.com")
}

/// Whether the entry has keys that sign, rather than an `api_key`.
pub(super) fn has_keys(raw: &raw::Provider) -> bool {
    [&raw.access_key_id, &raw.secret_access_key, &raw.session_token].into_iter().any(Option::is_some)
}
