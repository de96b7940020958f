//! Keys that exist from the start.

use std::collections::HashMap;

use serde_saphyr::Spanned;
use tollgate_core::words::Secret;

use super::check::{Check, Value};
use crate::config::raw::{self, Text};
use crate::domain::key::BootstrapKey;

pub(super) fn resolve(check: &mut Check<'_>, entries: Vec<Spanned<raw::Key>>) -> Vec<BootstrapKey> {
    let mut lines: HashMap<String, u64> = HashMap::new();
    let mut keys: Vec<BootstrapKey> = Vec::new();
    for entry in entries {
        let Some((name, key)) = key(check, &entry) else { continue };
        if let Some(line) = lines.get(&key.name) {
            check.problem::<()>(&name.referenced, format!("the key `{}` is on line {line} already", name.value));
        } else if let Some(other) = keys.iter().find(|other| other.key == key.key) {
            let message =
                format!("the keys `{}` and `{}` have the same value: make each its own", other.name, key.name);
            check.problem::<()>(&name.referenced, message);
        } else {
            lines.insert(key.name.clone(), name.referenced.line());
            keys.push(key);
        }
    }
    keys
}

fn key(check: &mut Check<'_>, entry: &Spanned<raw::Key>) -> Option<(Text, BootstrapKey)> {
    let raw = &entry.value;
    let Some(name) = &raw.name else {
        return check.problem(&entry.referenced, "a key has a `name`, under which its use is reported");
    };
    let label = check.value(name)?;
    let team = match &raw.team {
        Some(text) => Some(check.value(text)?),
        None => None,
    };
    let user = match &raw.user {
        Some(text) => Some(check.value(text)?),
        None => None,
    };
    let models = match &raw.models {
        Some(patterns) => patterns.iter().map(|text| check.value(text)).collect::<Option<Vec<_>>>()?,
        None => vec!["*".to_owned()],
    };
    let Some(text) = &raw.key else {
        return check
            .problem(&entry.referenced, format!("the key `{label}` has no `key`; write key: \"${{SOME_VARIABLE}}\""));
    };
    let key = match check.optional(text)? {
        Value::Given(value) => value,
        Value::EmptyVariable(variable) => {
            check.notices.push(format!("key `{label}` is left out: {variable} is empty"));
            return None;
        }
    };
    check.header_safe(text, &key)?;
    if key.len() < MIN_KEY || key.contains(' ') {
        return check.problem(&text.referenced, format!("a key has at least {MIN_KEY} characters and no spaces"));
    }
    Some((name.clone(), BootstrapKey { name: label, key: Secret::new(key), team, user, models }))
}

/// Shortest key that is accepted, in characters.
const MIN_KEY: usize = 8;
