//! How a provider knows who asks: nothing, a key, or keys that sign.

use tollgate_core::words::Secret;

use super::check::{Check, Value};
use crate::config::raw::{self, Text};
use crate::domain::provider::{AwsCredentials, Credential};

/// What a variable left of a credential.
pub(super) enum Given {
    Empty(String),
    Credential(Credential),
}

/// A key of the provider's own.
pub(super) fn key(check: &mut Check<'_>, text: &Text) -> Option<Given> {
    match secret(check, text)? {
        Ok(key) if key.expose() == "none" => Some(Given::Credential(Credential::None)),
        Ok(key) => Some(Given::Credential(Credential::Key(key))),
        Err(variable) => Some(Given::Empty(variable)),
    }
}

/// A value that is sent in a header, or the variable that is empty.
fn secret(check: &mut Check<'_>, text: &Text) -> Option<Result<Secret, String>> {
    match check.optional(text)? {
        Value::EmptyVariable(variable) => Some(Err(variable)),
        Value::Given(value) => {
            check.header_safe(text, &value)?;
            Some(Ok(Secret::new(value)))
        }
    }
}

/// The keys that sign.
pub(super) fn signing_keys(
    check: &mut Check<'_>,
    name: &Text,
    region: Option<&str>,
    raw: &raw::Provider,
) -> Option<Given> {
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
