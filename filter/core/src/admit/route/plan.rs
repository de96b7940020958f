//! The plan of one exchange: a chain that was drawn, made ready for the client's format.

use std::rc::Rc;

use super::{Selected, Unfit};
use crate::{
    admit::snapshot::{Provider, Target},
    meter::price::Price,
    words::{Format, Subset, model_name::undated},
};

/// The ordered targets of one exchange. Envoy only walks those that are not left out.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The Envoy cluster that has a priority for each step.
    pub cluster: String,
    /// What each priority of the cluster stands for, also those that are left out; never empty.
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
    /// Why this exchange leaves it out; `None` where nothing speaks against it.
    pub unfit: Option<Unfit>,
}

/// Used where a provider's response has no bound of its own, as OpenAI's SDKs do.
const DIRECT_TIMEOUT_MS: u32 = 600_000;
/// Used where a provider was named by the client.
const DIRECT_FIRST_BYTE_TIMEOUT_MS: u32 = 120_000;

impl Plan {
    /// Draws one of the route's chains by weight, and leaves out what cannot do this kind of call at all.
    #[must_use]
    pub fn draw(selected: &Selected, client: Format, seed: u64) -> Self {
        let mut plan = match selected {
            Selected::Direct(provider, model) => Self {
                cluster: provider.cluster.clone(),
                steps: vec![Step {
                    format: choose_format(provider, client),
                    default_max_tokens: provider.default_max_tokens,
                    price: find_price(&provider.prices, model),
                    provider: Rc::clone(provider),
                    model: Rc::clone(model),
                    unfit: None,
                }],
                strict: false,
                timeout_ms: DIRECT_TIMEOUT_MS,
                first_byte_timeout_ms: DIRECT_FIRST_BYTE_TIMEOUT_MS,
            },
            Selected::Route(route, model) => {
                let chain = route.chains.draw(mix(seed));
                Self {
                    cluster: chain.cluster.clone(),
                    steps: chain.targets.iter().map(|target| Step::of(target, model, client)).collect(),
                    strict: route.strict,
                    timeout_ms: route.timeout_ms,
                    first_byte_timeout_ms: route.first_byte_timeout_ms,
                }
            }
        };
        for step in plan.steps.iter_mut().filter(|step| step.format.is_none()) {
            step.unfit = Some(Unfit::Operation);
        }
        plan
    }

    /// The steps that nothing speaks against, with their places.
    pub fn fit(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.steps.iter().enumerate().filter(|(_, step)| step.unfit.is_none())
    }

    /// Leaves out the step at this place.
    pub fn leave_out(&mut self, at: usize, unfit: Unfit) {
        if let Some(step) = self.steps.get_mut(at) {
            step.unfit = Some(unfit);
        }
    }

    /// Why the plan leads nowhere, if it does: the reason of its first step, or of the first one that can do this kind of call, which
    /// says more.
    #[must_use]
    pub fn refusal(&self) -> Option<&Unfit> {
        let reasons = || self.steps.iter().filter_map(|step| step.unfit.as_ref());
        if reasons().count() < self.steps.len() {
            return None;
        }
        reasons().find(|unfit| **unfit != Unfit::Operation).or_else(|| reasons().next())
    }

    /// The steps that Envoy must be told to walk; `None` is all of them, as the cluster has them. Of a long chain some may be missing
    /// that nothing speaks against ([`Subset::all`]).
    #[must_use]
    pub fn subset(&self) -> Option<Subset> {
        if self.steps.iter().all(|step| step.unfit.is_none()) {
            return None;
        }
        let fit: Vec<_> = self.fit().map(|(at, _)| at).collect();
        Subset::largest(&fit, self.steps.len())
    }

    /// How many attempts there may be: one for each step that is walked.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.subset().map_or(self.steps.len(), |subset| subset.steps().len())
    }

    /// Where the first attempt goes: a place among the steps.
    #[must_use]
    pub fn first(&self) -> usize {
        self.fit().next().map_or(0, |(at, _)| at)
    }

    /// The step at this place, where an attempt may be led to it. An Envoy that does not know of subsets leads it anywhere.
    #[must_use]
    pub fn walked(&self, at: usize) -> Option<&Step> {
        let is_walked = self.subset().is_none_or(|subset| subset.steps().contains(&at));
        self.steps.get(at).filter(|_| is_walked)
    }

    /// Every step that was left out with the reason's code, as in `claude/claude-haiku-4-5 (invalid_value), …`; `None` where none was.
    #[must_use]
    pub fn skipped(&self) -> Option<String> {
        let show = |step: &Step| {
            let unfit = step.unfit.as_ref()?;
            Some(format!("{}/{} ({})", step.provider.name, step.model, unfit.code()))
        };
        let shown: Vec<String> = self.steps.iter().filter_map(show).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
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
            unfit: None,
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
