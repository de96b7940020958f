//! A request for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::Capability,
    content::{Contents, encode_contents},
    thinking::{self, ThinkingWire},
    tool::{ToolConfigWire, ToolWire, encode_choice, encode_tools},
};
use crate::{
    canonical::{Chat, Given, Losses, ResponseFormat, Sampling, ServiceTier},
    dialect::{InvalidRequest, NO_MEMBER, Translation, schema},
    formats::gemini_generate::wire::part::ContentWire,
};

/// Encodes a request: <https://ai.google.dev/api/generate-content#request-body>. The path names the model and the stream.
pub(super) fn encode_request(
    translation: &Translation<'_>,
    chat: &Chat<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, InvalidRequest> {
    let Chat {
        messages,
        tools,
        tool_choice,
        parallel_tools,
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
    let capability = Capability::of(translation.model);
    let Contents { system, contents } = encode_contents(messages, capability, losses)?;
    let wire_tools = encode_tools(tools, losses)?;
    let tool_config = encode_choice(tools, &wire_tools, tool_choice.as_ref(), capability, losses);
    let (response_mime_type, response_json_schema) =
        encode_format(response_format.as_ref(), capability.third || wire_tools.is_empty(), losses)?;
    let one_at_a_time = parallel_tools.as_ref().filter(|given| !given.value && !tools.is_empty());
    losses.declare_given(one_at_a_time, "the provider cannot be told to call one tool at a time");
    losses.declare_given(logit_bias.as_ref(), NO_MEMBER);
    losses.declare_given(verbosity.as_ref(), NO_MEMBER);
    losses.declare_given(user.as_ref(), NO_MEMBER);
    losses.declare_given(safety_identifier.as_ref(), NO_MEMBER);
    losses.declare_given(prompt_cache_key.as_ref(), "the provider caches prompts without being told");
    // Labels are Vertex's alone, and the Gemini API refuses what it does not know.
    losses.declare_given(metadata.as_ref(), NO_MEMBER);
    losses.declare_given(store.as_ref().filter(|given| given.value), "the provider keeps no answers");
    let generation_config = GenerationWire {
        temperature: within(temperature.as_ref(), 0.0, 2.0, losses),
        top_p: top_p.as_ref().map(|given| given.value),
        top_k: top_k.as_ref().map(|given| given.value),
        max_output_tokens: max_tokens.as_ref().map(|given| given.value),
        candidate_count: at_most(choices.as_ref().filter(|given| given.value > 1), MAX_CANDIDATES, losses),
        stop_sequences: encode_stops(stop, losses),
        seed: encode_seed(seed.as_ref(), losses),
        presence_penalty: within(presence_penalty.as_ref(), -2.0, 2.0, losses),
        frequency_penalty: within(frequency_penalty.as_ref(), -2.0, 2.0, losses),
        response_logprobs: logprobs.is_some(),
        logprobs: at_most(logprobs.as_ref().filter(|given| given.value > 0), MAX_LOGPROBS, losses),
        response_mime_type,
        response_json_schema,
        thinking_config: thinking::encode_thinking(reasoning.as_ref(), capability.thinking, losses),
    };
    let wire = Wire {
        system_instruction: (!system.is_empty()).then_some(ContentWire { parts: system, role: None }),
        contents,
        tools: wire_tools,
        tool_config,
        generation_config,
        service_tier: encode_tier(service_tier.as_ref(), losses),
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// The bounds that the reference of `GenerationConfig` states.
const MAX_CANDIDATES: u64 = 8;
const MAX_LOGPROBS: u64 = 20;
const MAX_STOPS: usize = 5;

fn within(given: Option<&Given<f64>>, least: f64, most: f64, losses: &mut Losses) -> Option<f64> {
    let given = given?;
    if !(least..=most).contains(&given.value) {
        losses.approximate(given.path.as_ref(), "the provider's scale is shorter");
    }
    Some(given.value.clamp(least, most))
}

fn at_most(given: Option<&Given<u64>>, most: u64, losses: &mut Losses) -> Option<u64> {
    let given = given?;
    if given.value > most {
        losses.approximate(given.path.as_ref(), "the provider gives fewer");
    }
    Some(given.value.min(most))
}

fn encode_stops<'c>(stops: &'c [Given<Cow<'_, str>>], losses: &mut Losses) -> Vec<&'c str> {
    for stop in stops.iter().skip(MAX_STOPS) {
        losses.declare(stop.path.as_ref(), "the provider takes five stop texts");
    }
    stops.iter().take(MAX_STOPS).map(|stop| &*stop.value).collect()
}

/// A seed has 32 bits.
fn encode_seed(seed: Option<&Given<i64>>, losses: &mut Losses) -> Option<i32> {
    let seed = seed?;
    let fits = i32::try_from(seed.value).ok();
    if fits.is_none() {
        losses.declare(seed.path.as_ref(), "the provider's seeds have 32 bits");
    }
    fits
}

/// `responseMimeType` and `responseJsonSchema`, which takes JSON Schema as it is. Models before the third generation refuse
/// both while there are tools.
fn encode_format<'c>(
    format: Option<&'c Given<ResponseFormat<'_>>>,
    allowed: bool,
    losses: &mut Losses,
) -> Result<(Option<&'static str>, Option<Cow<'c, RawValue>>), InvalidRequest> {
    let Some(Given { value: format, path }) = format else { return Ok((None, None)) };
    if !allowed {
        losses.declare(path.as_ref(), "the model gives no JSON while there are tools");
        return Ok((None, None));
    }
    let schema = match format {
        ResponseFormat::JsonObject => None,
        // The name labels the schema, and `strict` is what the provider does anyway: neither changes the answer.
        ResponseFormat::JsonSchema { schema, name: _, description, strict: _ } => {
            let raw = match schema::describe(schema, description.as_deref()) {
                Cow::Owned(described) => RawValue::from_string(described).map(Cow::Owned),
                Cow::Borrowed(schema) => serde_json::from_str::<&RawValue>(schema).map(Cow::Borrowed),
            };
            Some(raw.map_err(|error| InvalidRequest::new(path.as_ref(), error.to_string()))?)
        }
    };
    Ok((Some("application/json"), schema))
}

/// `standard` is what the Gemini API does unasked, and Vertex knows no such member
/// (<https://ai.google.dev/api/generate-content#ServiceTier>).
fn encode_tier(tier: Option<&Given<ServiceTier<'_>>>, losses: &mut Losses) -> Option<&'static str> {
    let tier = tier?;
    match tier.value {
        ServiceTier::Auto | ServiceTier::Standard => None,
        ServiceTier::Priority => Some("priority"),
        ServiceTier::Flex => Some("flex"),
        ServiceTier::Other(_) => {
            losses.declare(tier.path.as_ref(), "the provider has no such tier");
            None
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<ContentWire<'c>>,
    contents: Vec<ContentWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfigWire<'c>>,
    generation_config: GenerationWire<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    response_logprobs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Cow<'c, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingWire>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_beyond_32_bits_is_declared() {
        let mut losses = Losses::default();
        assert_eq!(encode_seed(Some(&Given::new(i64::from(i32::MAX), "seed")), &mut losses), Some(i32::MAX));
        assert!(losses.is_empty());
        assert_eq!(encode_seed(Some(&Given::new(i64::from(i32::MAX) + 1, "seed")), &mut losses), None);
        assert_eq!(losses.len(), 1);
    }
}
