//! The plan of one exchange: a chain that was drawn, made ready for the client's format.

use std::rc::Rc;

use super::Selected;
use crate::{
    admit::snapshot::{Provider, Target},
    meter::price::Price,
    words::{Format, model_name::undated},
};

/// The ordered targets of one exchange. Envoy only walks it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The Envoy cluster that has a priority for each step.
    pub cluster: String,
    /// What each priority of the cluster stands for; never empty.
    pub steps: Vec<Step>,
    /// Whether a loss is a refusal.
    pub strict: bool,
    /// Whole response, for requests that do not stream; 0 for none.
    pub timeout_ms: u32,
    /// Response headers, for requests that stream; 0 for none.
    pub first_byte_timeout_ms: u32,
}

/// A target, ready to be asked.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whom.
    pub provider: Rc<Provider>,
    /// For which model.
    pub model: Rc<str>,
    /// In which format; `None` where the provider speaks none that this operation can be translated to.
    pub format: Option<Format>,
    /// Output cap to add where the format demands one.
    pub default_max_tokens: u32,
    /// What it costs, where that is known.
    pub price: Option<Rc<Price>>,
}

/// Used where a provider's response has no bound of its own, as OpenAI's SDKs do.
const DIRECT_TIMEOUT_MS: u32 = 600_000;
/// Used where a provider was named by the client.
const DIRECT_FIRST_BYTE_TIMEOUT_MS: u32 = 120_000;

impl Plan {
    /// Draws one of the route's chains by weight.
    #[must_use]
    pub fn draw(selected: &Selected, client: Format, seed: u64) -> Self {
        match selected {
            Selected::Direct(provider, model) => Self {
                cluster: provider.cluster.clone(),
                steps: vec![Step {
                    format: choose_format(provider, client),
                    default_max_tokens: provider.default_max_tokens,
                    price: find_price(&provider.prices, model),
                    provider: Rc::clone(provider),
                    model: Rc::clone(model),
                }],
                strict: false,
                timeout_ms: DIRECT_TIMEOUT_MS,
                first_byte_timeout_ms: DIRECT_FIRST_BYTE_TIMEOUT_MS,
            },
            Selected::Route(route, model) => {
                let chain = route.chains.draw(mix(seed));
                let mut plan = Self {
                    cluster: chain.cluster.clone(),
                    steps: chain.targets.iter().map(|target| Step::of(target, model, client)).collect(),
                    strict: route.strict,
                    timeout_ms: route.timeout_ms,
                    first_byte_timeout_ms: route.first_byte_timeout_ms,
                };
                plan.prefer_able();
                plan
            }
        }
    }

    /// Where the chain does not begin with steps that can serve the operation at all (embeddings from a provider that
    /// has none), narrows it to the first one that can: a cluster's priorities cannot be left out one by one.
    fn prefer_able(&mut self) {
        let unable = self.steps.iter().any(|step| step.format.is_none());
        if let Some(able) = self.steps.iter().find(|step| step.format.is_some()).filter(|_| unable) {
            self.cluster.clone_from(&able.provider.cluster);
            self.steps = vec![able.clone()];
        }
    }
}

impl Step {
    fn of(target: &Target, asked: &Rc<str>, client: Format) -> Self {
        let model = target.model.as_ref().unwrap_or(asked);
        let price = target.prices.iter().find(|(name, _)| name.is_empty()).map(|(_, price)| Rc::clone(price));
        Self {
            format: choose_format(&target.provider, client),
            default_max_tokens: target.default_max_tokens,
            price: price.or_else(|| find_price(&target.prices, model)),
            provider: Rc::clone(&target.provider),
            model: Rc::clone(model),
        }
    }
}

/// The client's own format where the provider speaks it (the identity lane), else the provider's best that the client's
/// can be translated to.
fn choose_format(provider: &Provider, client: Format) -> Option<Format> {
    let own = provider.formats.iter().find(|format| **format == client);
    own.or_else(|| provider.formats.iter().find(|format| client.translates_to(**format))).copied()
}

/// The price of a model by its name, or by its name without the date that vendors put behind it.
fn find_price(prices: &[(String, Rc<Price>)], model: &str) -> Option<Rc<Price>> {
    let find = |model: &str| prices.iter().find(|(name, _)| name == model).map(|(_, price)| Rc::clone(price));
    find(model).or_else(|| find(undated(model)))
}

/// SplitMix64's finaliser (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): a draw takes the
/// high bits, and a seed need not have its randomness there.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
