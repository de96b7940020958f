//! Providers: kind, place, credential, headers.

use serde_saphyr::Spanned;
use tollgate_core::words::{Format, Secret};

use super::aws;
use super::check::Check;
use super::credential::{Given, key, signing_keys};
use crate::config::problem::suggestion;
use crate::config::raw::{self, Entries, Text};
use crate::domain::cluster::MAX_CLUSTERS;
use crate::domain::provider::BaseUrl;
use crate::domain::{Kind, Provider};

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
            Some(Fate::Usable(provider)) if check.problems.len() == before => {
                if providers.usable.len() == MAX_CLUSTERS {
                    check.problem::<()>(
                        &name.referenced,
                        format!(
                            "with `{}` there are more than {MAX_CLUSTERS} providers, each an Envoy cluster",
                            name.value
                        ),
                    );
                }
                providers.usable.push(*provider);
            }
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
    let kind = match &raw.kind {
        Some(text) => kind(check, text),
        None => check.problem(at, format!("provider `{}` has no `kind`; one of {}", name.value, kinds())),
    };
    let formats = raw.formats.as_ref().map(|list| formats(check, list));
    let headers = raw.headers.as_ref().map(|headers| &headers.0[..]).unwrap_or_default();
    let headers = headers.iter().filter_map(|(name, value)| header(check, name, value)).collect();
    let default_max_tokens =
        raw.default_max_tokens.as_ref().and_then(|text| check.parsed(text, "a number of tokens above 0", positive));
    // Without a kind, nothing can be said about the rest.
    let kind = kind?;
    if kind != Kind::Bedrock {
        aws::refuse(check, &raw);
    }
    let region = if kind == Kind::Bedrock { aws::region(check, &raw) } else { None };
    let credential = match (&raw.api_key, kind == Kind::Bedrock && aws::has_keys(&raw)) {
        (Some(key), true) => {
            check.problem(&key.referenced, "either `api_key` or keys that sign: remove one of the two")
        }
        (None, true) => signing_keys(check, name, region.as_deref(), &raw),
        (Some(text), false) => key(check, text),
        (None, false) => {
            let keys = if kind == Kind::Bedrock { ", or `access_key_id` and `secret_access_key`," } else { "" };
            let missing = format!("no `api_key`{keys}; write `api_key: none` if it needs none");
            check.problem(at, format!("provider `{}` has {missing}", name.value))
        }
    };
    let vendor = match kind {
        Kind::Bedrock => region.as_deref().map(aws::base_url),
        _ => kind.base_url().map(str::to_owned),
    };
    let base_url = match (&raw.base_url, vendor) {
        (Some(text), _) => base_url(check, text, kind),
        (None, Some(vendor)) => BaseUrl::parse(&vendor, kind).ok(),
        // The region has a mistake of its own.
        (None, None) if raw.region.is_some() => None,
        (None, None) => {
            let missing = match kind {
                Kind::Bedrock => "`region`, as in us-east-1, which says where it is",
                _ => "`base_url`, and its kind has no default",
            };
            check.problem(at, format!("provider `{}` has no {missing}", name.value))
        }
    };
    let credential = match credential? {
        Given::Empty(variable) => return Some(Fate::LeftOut(variable)),
        Given::Credential(credential) => credential,
    };
    let formats = formats.unwrap_or_else(|| kind.formats().to_vec());
    Some(Fate::Usable(Box::new(Provider {
        name: name.value.clone(),
        kind,
        base_url: base_url?,
        credential,
        headers,
        default_max_tokens: default_max_tokens.unwrap_or(output_cap(&formats)),
        formats,
    })))
}

fn formats(check: &mut Check<'_>, list: &Spanned<Vec<Text>>) -> Vec<Format> {
    let mut formats = Vec::new();
    for text in &list.value {
        let Some(value) = check.value(text) else { continue };
        match Format::from_name(&value) {
            Some(format) if formats.contains(&format) => {
                check.problem::<()>(&text.referenced, format!("`{}` appears twice: keep one of the two", text.value));
            }
            Some(format) => formats.push(format),
            None => {
                let nearest = suggestion(&value, LISTED.map(Format::name));
                let known = LISTED.map(Format::name).join(", ");
                check.problem::<()>(
                    &text.referenced,
                    format!("unknown format `{}`{nearest}; one of {known}", text.value),
                );
            }
        }
    }
    if list.value.is_empty() {
        check.problem::<()>(&list.referenced, "a provider speaks at least one format; or remove `formats`");
    }
    formats
}

/// Output cap of a request that must state one and does not; 0 where none must.
fn output_cap(formats: &[Format]) -> u32 {
    // `max_tokens` is required: https://docs.anthropic.com/en/api/messages
    // It is 16 unless it is stated: https://platform.openai.com/docs/api-reference/completions/create
    let must_state = [Format::AnthropicMessages, Format::OpenaiCompletions];
    if must_state.iter().any(|format| formats.contains(format)) { 4096 } else { 0 }
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

/// Every format, in the order in which they are shown to people.
const LISTED: [Format; Format::ALL.len()] = [
    Format::OpenaiChat,
    Format::OpenaiResponses,
    Format::OpenaiCompletions,
    Format::OpenaiEmbeddings,
    Format::AnthropicMessages,
    Format::GeminiGenerate,
    Format::BedrockConverse,
];
