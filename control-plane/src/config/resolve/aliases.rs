//! Aliases: each chain of them followed to the model it ends in.

use std::collections::HashMap;

use tollgate_core::words::Glob;

use super::check::Check;
use super::models::Models;
use super::providers::Providers;
use crate::config::problem::suggestion;
use crate::config::raw::{Entries, Text};

pub(super) fn resolve(
    check: &mut Check<'_>,
    entries: Entries<Text>,
    models: &Models,
    providers: &Providers,
) -> Vec<(String, String)> {
    let mut targets: HashMap<String, String> = HashMap::new();
    for (name, text) in &entries.0 {
        if models.names().any(|model| model == name.value) {
            check.problem::<()>(
                &name.referenced,
                format!("`{}` is a model already; an alias would hide it: rename one of them", name.value),
            );
        }
        if let Some(value) = check.value(text) {
            targets.insert(name.value.clone(), value);
        }
    }
    let mut aliases = Vec::new();
    for (name, text) in &entries.0 {
        let Some(end) = follow(check, name, text, &targets) else { continue };
        match Fate::of(&end, models, providers) {
            Fate::Known => aliases.push((name.value.clone(), end)),
            Fate::LeftOut => {
                check.notices.push(format!("alias `{}` is left out: so is `{end}`", name.value));
            }
            Fate::Broken => {}
            // The alias in the middle of a chain reports it; those that lead to it would only repeat it.
            Fate::Unknown if targets.get(&name.value) != Some(&end) => {}
            Fate::Unknown => {
                let candidates =
                    models.names().chain(targets.keys().map(String::as_str).filter(|key| *key != name.value));
                let nearest = suggestion(&end, candidates);
                check.problem::<()>(&text.referenced, format!("`{}` is no model and no alias{nearest}", text.value));
            }
        }
    }
    aliases
}

/// The end of the chain that begins with `name`; a loop is reported where each of its members stands.
fn follow(check: &mut Check<'_>, name: &Text, text: &Text, targets: &HashMap<String, String>) -> Option<String> {
    let mut seen = vec![name.value.clone()];
    let mut end = targets.get(&name.value)?;
    while let Some(next) = targets.get(end) {
        if seen.contains(end) {
            if *end == name.value {
                seen.push(end.clone());
                check.problem::<()>(&text.referenced, format!("these aliases go in a circle: {}", seen.join(" → ")));
            }
            return None;
        }
        seen.push(end.clone());
        end = next;
    }
    Some(end.clone())
}

enum Fate {
    Known,
    LeftOut,
    Broken,
    Unknown,
}

impl Fate {
    fn of(name: &str, models: &Models, providers: &Providers) -> Self {
        if models.broken.iter().any(|model| model == name) {
            return Self::Broken;
        }
        if models.usable.iter().any(|model| Glob::new(&*model.name).matches(name)) {
            return Self::Known;
        }
        if models.left_out.iter().any(|model| Glob::new(&**model).matches(name)) {
            return Self::LeftOut;
        }
        match name.split_once('/') {
            Some((provider, _)) if providers.is_usable(provider) => Self::Known,
            Some((provider, _)) if providers.left_out.iter().any(|name| name == provider) => Self::LeftOut,
            Some((provider, _)) if providers.broken.iter().any(|name| name == provider) => Self::Broken,
            _ => Self::Unknown,
        }
    }
}
