//! Models: targets that exist, weights that can be drawn, timeouts.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;

use super::check::Check;
use super::providers::Providers;
use crate::config::problem::suggestion;
use crate::config::raw::{self, Entries, Text};
use crate::config::scalar;
use crate::domain::chain::{MAX_CHAINS, Unchainable, chains};
use crate::domain::cluster::MAX_CLUSTERS;
use crate::domain::{Model, Target, Translation};

/// Models by their fate; a name in neither list is unknown.
pub(super) struct Models {
    pub(super) usable: Vec<Model>,
    /// Every target of theirs is left out.
    pub(super) left_out: Vec<String>,
    /// They have mistakes of their own; what refers to them is not a further mistake.
    pub(super) broken: Vec<String>,
}

impl Models {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let usable = self.usable.iter().map(|model| model.name.as_str());
        usable.chain(self.left_out.iter().map(String::as_str)).chain(self.broken.iter().map(String::as_str))
    }
}

pub(super) fn resolve(check: &mut Check<'_>, entries: Entries<raw::Model>, providers: &Providers) -> Models {
    let mut models = Models { usable: Vec::new(), left_out: Vec::new(), broken: Vec::new() };
    // Each distinct list is a cluster: a provider's own, for exchanges that name it, and those of the models' chains.
    let mut lists: BTreeSet<Vec<String>> = providers.usable.iter().map(|own| vec![own.name.clone()]).collect();
    for (name, raw) in entries.0 {
        let before = check.problems.len();
        match model(check, &name, raw, providers) {
            Some(model) if check.problems.len() == before => {
                if model.targets.is_empty() {
                    check.notices.push(format!("model `{}` is left out: so are all its providers", name.value));
                    models.left_out.push(name.value);
                } else {
                    let had_room = lists.len() <= MAX_CLUSTERS;
                    lists.extend(provider_lists(&model));
                    if had_room && lists.len() > MAX_CLUSTERS {
                        check.problem::<()>(&name.referenced, too_many_clusters(&name.value));
                    }
                    models.usable.push(model);
                }
            }
            _ => models.broken.push(name.value),
        }
    }
    models
}

fn model(check: &mut Check<'_>, name: &Text, raw: raw::Model, providers: &Providers) -> Option<Model> {
    let at = &name.referenced;
    if name.value.is_empty() || name.value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        check.problem::<()>(at, "a model's name is not empty and holds no spaces");
    }
    let translation = raw.translation.and_then(|text| translation(check, &text));
    let timeout = raw.timeout.and_then(|text| duration(check, &text));
    let first_byte = raw.first_byte_timeout.and_then(|text| duration(check, &text));
    let Some(written) = raw.targets else {
        return check.problem(at, format!("model `{}` has no `targets`; name at least one provider", name.value));
    };
    if written.value.is_empty() {
        return check.problem(&written.referenced, format!("model `{}` has no target; name at least one", name.value));
    }
    let mut sound = true;
    let mut targets = Vec::new();
    for raw in &written.value {
        match target(check, raw, providers, &name.value) {
            Some(target) => targets.push(target),
            None => sound = false,
        }
    }
    if !sound {
        return None;
    }
    weights(check, &written.referenced, &targets)?;
    targets.retain(|target| providers.is_usable(&target.provider));
    lead_the_rest(&mut targets);
    targets.sort_by_key(|target| target.priority);
    let chains = match chains(&targets) {
        Ok(chains) => chains,
        Err(error) => return check.problem(&written.referenced, unchainable(error)),
    };
    Some(Model {
        name: name.value.clone(),
        targets,
        chains,
        translation: translation.unwrap_or(Translation::Lenient),
        timeout_ms: timeout.unwrap_or(DEFAULT_TIMEOUT_MS),
        first_byte_timeout_ms: first_byte.unwrap_or(DEFAULT_FIRST_BYTE_TIMEOUT_MS),
    })
}

fn target(check: &mut Check<'_>, raw: &Spanned<raw::Target>, providers: &Providers, route: &str) -> Option<Target> {
    let weight = raw.value.weight.as_ref().map_or(Some(1), |text| {
        check.parsed(text, "a weight: a whole number up to 1000000", |value| {
            value.parse().ok().filter(|weight| *weight <= MAX_WEIGHT)
        })
    });
    let priority = raw.value.priority.as_ref().map_or(Some(0), |text| {
        check.parsed(text, "a priority: a whole number, 0 is tried first", |value| value.parse().ok())
    });
    let model = match &raw.value.model {
        Some(text) => Some(check.value(text)?),
        None if route.contains('*') => None,
        None => Some(route.to_owned()),
    };
    let Some(text) = &raw.value.provider else {
        return check.problem(&raw.referenced, "a target names its `provider`");
    };
    let provider = check.value(text)?;
    if !providers.names().any(|name| name == provider) {
        let nearest = suggestion(&provider, providers.names());
        return check.problem(&text.referenced, format!("unknown provider `{}`{nearest}", text.value));
    }
    Some(Target { provider, model, weight: weight?, priority: priority? })
}

fn provider_lists(model: &Model) -> impl Iterator<Item = Vec<String>> {
    let provider = |at: &usize| model.targets.get(*at).map(|target| target.provider.clone());
    model.chains.iter().map(move |chain| chain.order.iter().filter_map(provider).collect())
}

fn too_many_clusters(model: &str) -> String {
    format!(
        "with model `{model}` there are more than {MAX_CLUSTERS} orders of providers, each an Envoy cluster: give weight 0 to targets that \
         need not be first, or let models have the same targets"
    )
}

fn unchainable(error: Unchainable) -> String {
    match error {
        Unchainable::TooMany(count) => {
            format!("{count} orders of providers, at most {MAX_CHAINS} can be served: use fewer weighted targets")
        }
        Unchainable::TooFine => {
            "the weights of all priorities multiply to too large a number: use smaller ones".to_owned()
        }
    }
}

/// In each priority something must be drawn first.
fn weights(check: &mut Check<'_>, at: &raw::Spot, targets: &[Target]) -> Option<()> {
    let mut sums: BTreeMap<u32, u32> = BTreeMap::new();
    for target in targets {
        *sums.entry(target.priority).or_default() |= target.weight;
    }
    match sums.into_iter().find(|(_, sum)| *sum == 0) {
        Some((priority, _)) => {
            check.problem(at, format!("the targets of priority {priority} have weight 0, so none can be drawn first"))
        }
        None => Some(()),
    }
}

/// A priority whose weighted targets are left out keeps its others: they were to follow, so now they lead.
fn lead_the_rest(targets: &mut [Target]) {
    let mut drawable: BTreeMap<u32, bool> = BTreeMap::new();
    for target in targets.iter() {
        *drawable.entry(target.priority).or_default() |= target.weight > 0;
    }
    for target in targets.iter_mut().filter(|target| drawable.get(&target.priority) == Some(&false)) {
        target.weight = 1;
    }
}

fn translation(check: &mut Check<'_>, text: &Text) -> Option<Translation> {
    check.parsed(text, "a translation: lenient or strict", |value| match value {
        "lenient" => Some(Translation::Lenient),
        "strict" => Some(Translation::Strict),
        _ => None,
    })
}

fn duration(check: &mut Check<'_>, text: &Text) -> Option<u32> {
    check.parsed(text, "a duration above 0; write it like 30s, 500ms or 5m", scalar::duration_ms)
}

/// Ten minutes, what the official clients wait too.
const DEFAULT_TIMEOUT_MS: u32 = 600_000;
const DEFAULT_FIRST_BYTE_TIMEOUT_MS: u32 = 60_000;
const MAX_WEIGHT: u32 = 1_000_000;
