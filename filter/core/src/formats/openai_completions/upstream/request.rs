//! A request for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::prompt::encode_prompt;
use crate::{
    canonical::{Chat, Given, Losses, Sampling, ServiceTier, ToolChoice},
    dialect::{InvalidRequest, NO_MEMBER, Translation, raw},
    vendors::openai::encode_name,
};

/// Encodes a request: <https://platform.openai.com/docs/api-reference/completions/create>.
///
/// Without an output cap of the client's the exchange's default is said: the API's own is 16 tokens.
pub(super) fn encode_request(
    translation: &Translation<'_>,
    chat: &Chat<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, InvalidRequest> {
    let Chat {
        messages,
        tools,
        tool_choice,
        parallel_tools: _, // nothing without tools, which are declared
        max_tokens,
        sampling,
        choices,
        logprobs,
        stop,
        response_format,
        reasoning,
        verbosity,
        user,
        safety_identifier,
        prompt_cache_key,
        service_tier,
        metadata,
        store,
        extra: _, // declared for every format alike
    } = chat;
    let Sampling { temperature, top_p, top_k, frequency_penalty, presence_penalty, seed, logit_bias } = sampling;
    let prompt = encode_prompt(messages, losses)?;
    for tool in tools {
        losses.declare(tool.path.as_str(), "the provider knows no tools");
    }
    let demands_tools = |given: &&Given<ToolChoice<'_>>| !matches!(given.value, ToolChoice::None | ToolChoice::Auto);
    losses.declare_given(tool_choice.as_ref().filter(demands_tools), NO_MEMBER);
    losses.declare_given(top_k.as_ref(), NO_MEMBER);
    losses.declare_given(response_format.as_ref(), NO_MEMBER);
    losses.declare_given(reasoning.as_ref().filter(|given| !given.value.is_off()), NO_MEMBER);
    losses.declare_given(verbosity.as_ref(), NO_MEMBER);
    losses.declare_given(safety_identifier.as_ref(), NO_MEMBER);
    losses.declare_given(prompt_cache_key.as_ref(), NO_MEMBER);
    let is_usual = |given: &&Given<ServiceTier<'_>>| matches!(given.value, ServiceTier::Auto | ServiceTier::Standard);
    losses.declare_given(service_tier.as_ref().filter(|given| !is_usual(given)), NO_MEMBER);
    losses.declare_given(metadata.as_ref(), NO_MEMBER);
    losses.declare_given(store.as_ref().filter(|given| given.value), NO_MEMBER);
    let wire = Wire {
        model: translation.model,
        stop: encode_stop(stop, prompt.next_turn, losses),
        prompt: prompt.text,
        max_tokens: max_tokens.as_ref().map_or(translation.default_max_tokens.into(), |given| given.value),
        temperature: temperature.as_ref().map(|given| given.value),
        top_p: top_p.as_ref().map(|given| given.value),
        frequency_penalty: frequency_penalty.as_ref().map(|given| given.value),
        presence_penalty: presence_penalty.as_ref().map(|given| given.value),
        seed: seed.as_ref().map(|given| given.value),
        n: choices.as_ref().map(|given| given.value).filter(|choices| *choices > 1),
        logprobs: logprobs.as_ref().map(|given| {
            if given.value > MAX_LOGPROBS {
                losses.approximate(given.path.as_ref(), "the provider gives at most five alternatives");
            }
            given.value.min(MAX_LOGPROBS)
        }),
        logit_bias: logit_bias.as_ref().map(|given| raw(given.value)).transpose()?,
        user: encode_name(user.as_ref(), losses),
        stream: translation.stream,
        stream_options: translation.stream.then_some(StreamOptionsWire { include_usage: true }),
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// The most alternatives for a token.
const MAX_LOGPROBS: u64 = 5;

/// The most stop texts.
const MAX_STOPS: usize = 4;

/// The client's, and the label of the user's next turn where there is room for it: a model that goes on with a transcript
/// would write that turn too.
fn encode_stop<'c>(
    stop: &'c [Given<Cow<'_, str>>],
    next_turn: Option<&'static str>,
    losses: &mut Losses,
) -> Vec<&'c str> {
    for given in stop.iter().skip(MAX_STOPS) {
        losses.declare(given.path.as_ref(), "the provider takes four stop texts");
    }
    stop.iter().map(|given| &*given.value).chain(next_turn).take(MAX_STOPS).collect()
}

#[derive(Serialize)]
struct Wire<'c> {
    model: &'c str,
    prompt: Cow<'c, str>,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit_bias: Option<&'c RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptionsWire>,
}

#[derive(Serialize)]
struct StreamOptionsWire {
    include_usage: bool,
}
