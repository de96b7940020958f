//! What only Bedrock has: a region, and keys that sign.

use super::Check;
use super::providers::{Given, secret};
use crate::config::raw::{self, Text};
use crate::config::{AwsCredentials, Credential};

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

/// The keys that sign.
pub(super) fn keys(check: &mut Check<'_>, name: &Text, region: Option<&str>, raw: &raw::Provider) -> Option<Given> {
    let (at, name) = (&name.referenced, &name.value);
    let (Some(id), Some(key)) = (&raw.access_key_id, &raw.secret_access_key) else {
        let what = "needs both `access_key_id` and `secret_access_key` to sign";
        return check.problem(at, format!("provider `{name}` {what}"));
    };
    if raw.region.is_none() && raw.base_url.is_some() {
        check.problem::<()>(at, format!("provider `{name}` has no `region`, as in us-east-1, which is signed too"));
    }
    let (id, key) = (secret(check, id), secret(check, key));
    // A token that a variable leaves empty is none: keys that do not expire have no token.
    let token = raw.session_token.as_ref().and_then(|text| secret(check, text)?.ok());
    match (id?, key?) {
        (Err(variable), _) | (_, Err(variable)) => Some(Given::Empty(variable)),
        (Ok(id), Ok(secret_access_key)) => Some(Given::Credential(Credential::Aws(AwsCredentials {
            region: region?.to_owned(),
            access_key_id: id.expose().to_owned(),
            secret_access_key,
            session_token: token,
        }))),
    }
}
