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
    /// Places of steps, in any order, each at most once, and why they are left out.
    left_out: Vec<(usize, Unfit)>,
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
                }],
                left_out: Vec::new(),
                strict: false,
                timeout_ms: DIRECT_TIMEOUT_MS,
                first_byte_timeout_ms: DIRECT_FIRST_BYTE_TIMEOUT_MS,
            },
            Selected::Route(route, model) => {
                let chain = route.chains.draw(mix(seed));
                Self {
                    cluster: chain.cluster.clone(),
                    steps: chain.targets.iter().map(|target| Step::of(target, model, client)).collect(),
                    left_out: Vec::new(),
                    strict: route.strict,
                    timeout_ms: route.timeout_ms,
                    first_byte_timeout_ms: route.first_byte_timeout_ms,
                }
            }
        };
        let unable = plan.fit().filter(|(_, step)| step.format.is_none());
        plan.leave_out(unable.map(|(at, _)| (at, Unfit::Operation)).collect());
        plan
    }

    /// The steps that nothing speaks against, with their places.
    pub fn fit(&self) -> impl Iterator<Item = (usize, &Step)> {
        let is_fit = |at: usize| !self.left_out.iter().any(|(out, _)| *out == at);
        self.steps.iter().enumerate().filter(move |(at, _)| is_fit(*at))
    }

    /// Leaves out some of [`Self::fit`], by their places.
    pub fn leave_out(&mut self, unfit: Vec<(usize, Unfit)>) {
        self.left_out.extend(unfit);
    }

    /// Why the plan leads nowhere, if it does: the reason of its first step, or of the first one that can do this kind of call, which
    /// says more.
    #[must_use]
    pub fn refusal(&self) -> Option<&Unfit> {
        if self.left_out.len() < self.steps.len() {
            return None;
        }
        let first = |able: bool| {
            let reasons = self.left_out.iter().filter(|(_, unfit)| !able || *unfit != Unfit::Operation);
            reasons.min_by_key(|(at, _)| *at).map(|(_, unfit)| unfit)
        };
        first(true).or_else(|| first(false))
    }

    /// The steps that Envoy must be told to walk; `None` is all of them, as the cluster has them. Of a long chain some may be missing
    /// that nothing speaks against ([`Subset::all`]).
    #[must_use]
    pub fn subset(&self) -> Option<Subset> {
        let fit = || self.fit().map(|(at, _)| at).collect::<Vec<_>>();
        (!self.left_out.is_empty()).then(|| Subset::largest(&fit()))
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
        let mut left_out: Vec<_> = self.left_out.iter().collect();
        left_out.sort_by_key(|(at, _)| *at);
        let show = |(at, unfit): &(usize, Unfit)| {
            let step = self.steps.get(*at)?;
            Some(format!("{}/{} ({})", step.provider.name, step.model, unfit.code()))
        };
        let shown: Vec<String> = left_out.into_iter().filter_map(show).collect();
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
