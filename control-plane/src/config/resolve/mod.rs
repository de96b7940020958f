//! From what was written to a configuration: variables expanded, values checked, names looked up, and every mistake
//! collected before any is reported.

mod aliases;
mod aws;
mod check;
mod credential;
mod keys;
mod models;
mod prices;
mod providers;

use tollgate_core::words::Secret;

use self::check::{Check, Value};
use super::environment::Environment;
use super::file::{Config, DEFAULT_MAX_BODY, MIN_SPOOL, SpoolSetting};
use super::problem::Problems;
use super::raw::{self, Text};
use super::scalar;
use crate::domain::Policy;

/// Checks a file that was read.
pub(super) fn resolve(file: &str, raw: raw::File, environment: &Environment) -> Result<Config, Problems> {
    let mut check = Check::new(file, environment);
    let providers = providers::resolve(&mut check, raw.providers.unwrap_or_default());
    let models = models::resolve(&mut check, raw.models.unwrap_or_default(), &providers);
    let aliases = aliases::resolve(&mut check, raw.aliases.unwrap_or_default(), &models, &providers);
    let keys = keys::resolve(&mut check, raw.keys.unwrap_or_default());
    let prices = prices::resolve(&mut check, raw.prices.unwrap_or_default(), &providers);
    let store = raw.store.and_then(|text| store(&mut check, &text));
    let spool = raw.spool.and_then(|text| spool(&mut check, &text)).unwrap_or(SpoolSetting::Unstated);
    let auth = raw.auth.unwrap_or_default();
    let admin_token = auth.admin_token.and_then(|text| token(&mut check, &text));
    let node_token = auth.node_token.and_then(|text| token(&mut check, &text));
    let max_body = raw.max_body.and_then(|text| max_body(&mut check, &text)).unwrap_or(DEFAULT_MAX_BODY);
    match Problems::from_list(check.problems) {
        Some(problems) => Err(problems),
        None => Ok(Config {
            policy: Policy { providers: providers.usable, models: models.usable, aliases, prices, max_body },
            keys,
            store,
            spool,
            admin_token,
            node_token,
            notices: check.notices,
        }),
    }
}

/// A store that a variable leaves empty is one that is not configured.
fn store(check: &mut Check<'_>, text: &Text) -> Option<Secret> {
    let Value::Given(value) = check.optional(text)? else { return None };
    if ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| value.starts_with(scheme)) {
        Some(Secret::new(value))
    } else {
        check.problem(&text.referenced, "the store must be sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE")
    }
}

/// A spool that a variable leaves empty is one of which nothing is said.
fn spool(check: &mut Check<'_>, text: &Text) -> Option<SpoolSetting> {
    let Value::Given(value) = check.optional(text)? else { return None };
    if value == "none" {
        return Some(SpoolSetting::None);
    }
    match scalar::size_bytes(&value) {
        Some(bytes) if bytes >= MIN_SPOOL => Some(SpoolSetting::AtMost(bytes)),
        Some(_) => check.problem(
            &text.referenced,
            format!("a spool needs at least {}MiB; `none` is to go without one", MIN_SPOOL >> 20),
        ),
        None => check.problem(&text.referenced, format!("`{}` is not a size like 1GiB, nor `none`", text.value)),
    }
}

/// A token that a variable leaves empty is one that is not configured.
fn token(check: &mut Check<'_>, text: &Text) -> Option<Secret> {
    let Value::Given(value) = check.optional(text)? else { return None };
    check.header_safe(text, &value)?;
    if value.len() < MIN_TOKEN {
        return check.problem(&text.referenced, format!("a token needs at least {MIN_TOKEN} characters"));
    }
    Some(Secret::new(value))
}

fn max_body(check: &mut Check<'_>, text: &Text) -> Option<u64> {
    let bytes = check.parsed(text, "a size; write it like 32MiB", scalar::size_bytes)?;
    if bytes > MAX_MAX_BODY {
        return check.problem(&text.referenced, "at most 1GiB: Envoy holds each body in memory");
    }
    Some(bytes)
}

/// Shortest token that is accepted, in characters.
const MIN_TOKEN: usize = 8;
/// Envoy's buffer limits are 32-bit.
const MAX_MAX_BODY: u64 = 1 << 30;
