//! Providers: kind, place, credential, headers.

use super::{Check, Value};
use crate::config::problem::suggestion;
use crate::config::raw::{self, Entries, Text};
use crate::config::{BaseUrl, Kind, Provider};
use crate::domain::secret::Secret;

/// Providers by their fate; a name in neither list is unknown.
pub(super) struct Providers {
    pub(super) usable: Vec<Provider>,
    /// Their credential is an empty variable.
    pub(super) left_out: Vec<String>,
    /// They have mistakes of their own; what refers to them is not a further mistake.
    pub(super) broken: Vec<String>,
}

impl Providers {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let usable = self.usable.iter().map(|provider| provider.name.as_str());
        usable.chain(self.left_out.iter().map(String::as_str)).chain(self.broken.iter().map(String::as_str))
    }

    pub(super) fn is_usable(&self, name: &str) -> bool {
        self.usable.iter().any(|provider| provider.name == name)
    }
}

pub(super) fn resolve(check: &mut Check<'_>, entries: Entries<raw::Provider>) -> Providers {
    let mut providers = Providers { usable: Vec::new(), left_out: Vec::new(), broken: Vec::new() };
    for (name, raw) in entries.0 {
        let before = check.problems.len();
        match provider(check, &name, raw) {
            Some(Fate::Usable(provider)) if check.problems.len() == before => providers.usable.push(*provider),
            Some(Fate::LeftOut(variable)) if check.problems.len() == before => {
                check.notices.push(format!("provider `{}` is left out: {variable} is empty", name.value));
                providers.left_out.push(name.value);
            }
            _ => providers.broken.push(name.value),
        }
    }
    providers
}

enum Fate {
    Usable(Box<Provider>),
    LeftOut(String),
}

fn provider(check: &mut Check<'_>, name: &Text, raw: raw::Provider) -> Option<Fate> {
    let at = &name.referenced;
    if !is_name(&name.value) {
        check.problem::<()>(at, "a provider's name is made of letters, digits, `_`, `-` and `.`");
    }
    let kind = match raw.kind {
        Some(text) => kind(check, &text),
        None => check.problem(at, format!("provider `{}` has no `kind`; one of {}", name.value, kinds())),
    };
    let credential = match raw.api_key {
        Some(text) => credential(check, &text),
        None => check
            .problem(at, format!("provider `{}` has no `api_key`; write `api_key: none` if it needs none", name.value)),
    };
    let headers =
        raw.headers.unwrap_or_default().0.into_iter().filter_map(|(name, value)| header(check, &name, &value));
    let headers = headers.collect();
    let default_max_tokens =
        raw.default_max_tokens.and_then(|text| check.parsed(&text, "a number of tokens above 0", positive));
    // Without a kind, nothing can be said about the rest.
    let kind = kind?;
    let base_url = match (&raw.base_url, kind.base_url()) {
        (Some(text), _) => base_url(check, text, kind),
        (None, Some(vendor)) => BaseUrl::parse(vendor, kind).ok(),
        (None, None) => {
            check.problem(at, format!("provider `{}` has no `base_url`, and its kind has no default", name.value))
        }
    };
    let credential = match credential? {
        Credential::Empty(variable) => return Some(Fate::LeftOut(variable)),
        Credential::None => None,
        Credential::Secret(secret) => Some(secret),
    };
    Some(Fate::Usable(Box::new(Provider {
        name: name.value.clone(),
        kind,
        base_url: base_url?,
        credential,
        headers,
        default_max_tokens: default_max_tokens.unwrap_or(kind.default_max_tokens()),
    })))
}

enum Credential {
    None,
    Empty(String),
    Secret(Secret),
}

fn credential(check: &mut Check<'_>, text: &Text) -> Option<Credential> {
    match check.optional(text)? {
        Value::EmptyVariable(variable) => Some(Credential::Empty(variable)),
        Value::Given(value) if value == "none" => Some(Credential::None),
        Value::Given(value) => {
            check.header_safe(text, &value)?;
            Some(Credential::Secret(Secret::new(value)))
        }
    }
}

fn kind(check: &mut Check<'_>, text: &Text) -> Option<Kind> {
    let value = check.value(text)?;
    match Kind::of_name(&value) {
        Some(kind) => Some(kind),
        None => {
            let nearest = suggestion(&value, Kind::ALL.map(Kind::name));
            check.problem(&text.referenced, format!("unknown kind `{}`{nearest}; one of {}", text.value, kinds()))
        }
    }
}

fn base_url(check: &mut Check<'_>, text: &Text, kind: Kind) -> Option<BaseUrl> {
    let value = check.value(text)?;
    match BaseUrl::parse(&value, kind) {
        Ok(url) => Some(url),
        Err(error) => check.problem(&text.referenced, format!("the base_url {error}")),
    }
}

fn header(check: &mut Check<'_>, name: &Text, value: &Text) -> Option<(String, Secret)> {
    let at = &name.referenced;
    let lower = name.value.to_ascii_lowercase();
    if lower.is_empty() || !lower.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
        return check.problem(at, format!("`{}` is not the name of a header", name.value));
    }
    let owned = ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "content-type"];
    if owned.contains(&lower.as_str()) || lower.starts_with("x-envoy-") || lower.starts_with("x-tollgate-") {
        return check.problem(at, format!("the header `{lower}` is set by the gateway itself; remove it here"));
    }
    let text = value;
    let value = check.value(text)?;
    check.header_safe(text, &value)?;
    Some((lower, Secret::new(value)))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}
