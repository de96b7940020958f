//! Prices of the file.

use super::check::Check;
use super::providers::Providers;
use crate::config::raw::{self, Entries, Text};
use crate::domain::price::{PriceOverride, PriceScope, Rates, Tier};
use crate::domain::rate;

pub(super) fn resolve(
    check: &mut Check<'_>,
    entries: Entries<raw::Price>,
    providers: &Providers,
) -> Vec<PriceOverride> {
    entries.0.iter().filter_map(|(name, raw)| price(check, name, raw, providers)).collect()
}

fn price(check: &mut Check<'_>, name: &Text, raw: &raw::Price, providers: &Providers) -> Option<PriceOverride> {
    // Models have slashes in their names too (`openai/gpt-oss-20b`): only a provider's name makes a scope.
    let (scope, model) = match name.value.split_once('/') {
        Some((provider, model)) if providers.names().any(|name| name == provider) => {
            (PriceScope::Provider(provider.to_owned()), model)
        }
        _ => (PriceScope::AnyProvider, name.value.as_str()),
    };
    if model.is_empty() {
        return check.problem(&name.referenced, "a price belongs to a model; write model or provider/model");
    }
    let fields = Fields {
        input: &raw.input,
        output: &raw.output,
        cache_read: &raw.cache_read,
        cache_write_5m: &raw.cache_write_5m,
        cache_write_1h: &raw.cache_write_1h,
        audio_in: &raw.audio_in,
        audio_out: &raw.audio_out,
    };
    let rates = rates(check, &name.referenced, fields);
    let mut tiers = Vec::new();
    for entry in raw.tiers.iter().flatten() {
        if let Some(tier) = tier(check, &entry.referenced, &entry.value) {
            if tiers.last().is_some_and(|last: &Tier| last.above_input_tokens >= tier.above_input_tokens) {
                check.problem::<()>(&entry.referenced, "tiers ascend: put the one with the lower bound first");
            }
            tiers.push(tier);
        }
    }
    Some(PriceOverride { scope, model: model.to_owned(), rates: rates?, tiers })
}

fn tier(check: &mut Check<'_>, at: &raw::Spot, raw: &raw::Tier) -> Option<Tier> {
    let Some(text) = &raw.above_input_tokens else {
        return check.problem(at, "a tier has `above_input_tokens`, the input beyond which it holds");
    };
    let above_input_tokens = check.parsed(text, "a number of tokens", |value| value.parse().ok())?;
    let fields = Fields {
        input: &raw.input,
        output: &raw.output,
        cache_read: &raw.cache_read,
        cache_write_5m: &raw.cache_write_5m,
        cache_write_1h: &raw.cache_write_1h,
        audio_in: &raw.audio_in,
        audio_out: &raw.audio_out,
    };
    Some(Tier { above_input_tokens, rates: rates(check, at, fields)? })
}

struct Fields<'a> {
    input: &'a Option<Text>,
    output: &'a Option<Text>,
    cache_read: &'a Option<Text>,
    cache_write_5m: &'a Option<Text>,
    cache_write_1h: &'a Option<Text>,
    audio_in: &'a Option<Text>,
    audio_out: &'a Option<Text>,
}

fn rates(check: &mut Check<'_>, at: &raw::Spot, fields: Fields<'_>) -> Option<Rates> {
    let before = check.problems.len();
    let mut rate = |field: &Option<Text>| field.as_ref().and_then(|text| check.parsed(text, EXPECTED, rate::parse));
    let (input, output) = (rate(fields.input), rate(fields.output));
    let rates = Rates {
        input: input.unwrap_or_default(),
        output: output.unwrap_or_default(),
        cache_read: rate(fields.cache_read),
        cache_write_5m: rate(fields.cache_write_5m),
        cache_write_1h: rate(fields.cache_write_1h),
        audio_in: rate(fields.audio_in),
        audio_out: rate(fields.audio_out),
    };
    if fields.input.is_none() || fields.output.is_none() {
        return check.problem(at, "a price states `input` and `output`; write `output: 0` where nothing is generated");
    }
    (check.problems.len() == before).then_some(rates)
}

const EXPECTED: &str = "a price: dollars per million tokens, at most 6 decimals, 0 to 1000000";
