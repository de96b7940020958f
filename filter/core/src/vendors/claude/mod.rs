//! What is Claude's rather than a format's: which generation takes what, wherever it is served. Anthropic's own API and
//! Bedrock have the same rules.

mod budget;
mod cache;
mod capability;
mod thinking;

pub(crate) use budget::lower_thinking;
pub(crate) use cache::decode_cache;
pub(crate) use capability::{Capability, is_since};
pub(crate) use thinking::{Reasoned, ThinkingWire, reasoning};

use crate::canonical::{Chat, Losses};

/// How tokens are drawn, as far as the model and its thinking allow it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sampled {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<u64>,
}

/// Takes of the sampling what Claude takes, and declares the rest.
pub(crate) fn sampling(chat: &Chat<'_>, model: &str, reasoned: &Reasoned, losses: &mut Losses) -> Sampled {
    let capability = Capability::of(model);
    let temperature = temperature(chat, capability, reasoned, losses);
    // From 4.1 on it takes a temperature or a `top_p`, not both (<https://platform.claude.com/docs/en/about-claude/models/migration-guide>).
    let excludes = temperature.is_some() && is_since(model, 4, 1);
    Sampled {
        temperature,
        top_p: top_p(chat, capability, reasoned, excludes, losses),
        top_k: top_k(chat, capability, reasoned, losses),
    }
}

/// `temperature`, where the model and its thinking allow one. The scale ends at 1; 1 is the default.
fn temperature(chat: &Chat<'_>, capability: Capability, reasoned: &Reasoned, losses: &mut Losses) -> Option<f64> {
    let temperature = chat.sampling.temperature.as_ref()?;
    let path = temperature.path.as_ref();
    #[expect(clippy::float_cmp, reason = "the default, as written")]
    let is_default = temperature.value == 1.0;
    if is_default {
        return None;
    }
    if reasoned.thinking.is_some() {
        losses.declare(path, "the provider takes none while thinking");
        return None;
    }
    if !capability.sampling {
        losses.declare(path, "the model takes none");
        return None;
    }
    if !(0.0..=1.0).contains(&temperature.value) {
        losses.approximate(path, "the provider's scale ends at 1");
    }
    Some(temperature.value.clamp(0.0, 1.0))
}

/// `top_p`, where the model and its thinking allow one: while thinking 0.95 to 1
/// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility>).
fn top_p(
    chat: &Chat<'_>,
    capability: Capability,
    reasoned: &Reasoned,
    excluded: bool,
    losses: &mut Losses,
) -> Option<f64> {
    let top_p = chat.sampling.top_p.as_ref().filter(|top_p| top_p.value < 1.0)?;
    if reasoned.thinking.is_some() && top_p.value < 0.95 {
        losses.declare(top_p.path.as_ref(), "the provider takes none below 0.95 while thinking");
        return None;
    }
    if !capability.sampling {
        losses.declare(top_p.path.as_ref(), "the model takes none");
        return None;
    }
    if excluded {
        losses.declare(top_p.path.as_ref(), "the model takes a temperature or this, not both");
        return None;
    }
    Some(top_p.value)
}

/// `top_k`, where the model and its thinking allow one (the same page).
fn top_k(chat: &Chat<'_>, capability: Capability, reasoned: &Reasoned, losses: &mut Losses) -> Option<u64> {
    let top_k = chat.sampling.top_k.as_ref()?;
    if reasoned.thinking.is_some() {
        losses.declare(top_k.path.as_ref(), "the provider takes none while thinking");
        return None;
    }
    if !capability.sampling {
        losses.declare(top_k.path.as_ref(), "the model takes none");
        return None;
    }
    Some(top_k.value)
}
