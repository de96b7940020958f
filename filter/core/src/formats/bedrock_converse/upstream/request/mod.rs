//! A request for the provider.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::{
    capability::ModelFamily,
    content::{Content, Encoder},
    extra::{Extra, NovaInference},
    message::{MessageWire, encode_messages},
    tool::{ToolConfig, encode_tools},
};
use crate::{
    canonical::{Chat, Given, Losses, ResponseFormat, Sampling, ServiceTier},
    dialect::{InvalidRequest, NO_MEMBER, Translation},
    json::Node,
    vendors::claude::{self, Capability},
};

/// Encodes a request: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. The model and
/// whether the answer streams are in the path.
pub(super) fn encode_request(
    translation: &Translation<'_>,
    chat: &Chat<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, InvalidRequest> {
    let Chat {
        messages,
        tools: _, // these three are read by `encode_tools`
        tool_choice: _,
        parallel_tools: _,
        max_tokens: _, // these two are read by `Inference::encode`
        sampling,
        choices,
        logprobs,
        stop,
        response_format,
        reasoning: _, // read by `claude::reasoning` and `Extra::set_reasoning`
        verbosity,
        user,
        safety_identifier,
        prompt_cache_key,
        service_tier,
        metadata,
        store,
        extra: _, // declared for every format alike
    } = chat;
    let Sampling {
        temperature: _, // these three are read by `Inference::encode`
        top_p: _,
        top_k: _,
        frequency_penalty,
        presence_penalty,
        seed,
        logit_bias,
    } = sampling;
    let family = ModelFamily::of(translation.model);
    let mut encoder = Encoder::new(family, losses);
    let (system, messages) = encode_messages(messages, &mut encoder)?;
    let (tool_config, claude_choice) = encode_tools(chat, &mut encoder)?;
    let mut extra = Extra { tool_choice: claude_choice, ..Extra::default() };
    let (inference_config, effort) = Inference::encode(translation, chat, family, &mut extra, losses);
    let text_format = encode_format(response_format.as_ref(), family, losses);
    losses.declare_given(frequency_penalty.as_ref(), NO_MEMBER);
    losses.declare_given(presence_penalty.as_ref(), NO_MEMBER);
    losses.declare_given(seed.as_ref(), NO_MEMBER);
    losses.declare_given(logit_bias.as_ref(), NO_MEMBER);
    losses.declare_given(choices.as_ref().filter(|given| given.value > 1), "the provider gives one answer");
    losses.declare_given(logprobs.as_ref(), NO_MEMBER);
    losses.declare_given(verbosity.as_ref(), NO_MEMBER);
    losses.declare_given(user.as_ref(), NO_MEMBER);
    losses.declare_given(safety_identifier.as_ref(), NO_MEMBER);
    losses.declare_given(prompt_cache_key.as_ref(), NO_MEMBER);
    losses.declare_given(store.as_ref().filter(|given| given.value), "the provider keeps no answers");
    let asks_for_stop = family.is_claude() && !stop.is_empty();
    let wire = Wire {
        messages,
        system,
        inference_config,
        tool_config,
        additional_model_request_fields: (extra != Extra::default()).then_some(extra),
        additional_model_response_field_paths: asks_for_stop.then_some([stop_path(translation.stream)]),
        request_metadata: encode_metadata(metadata.as_ref(), losses),
        service_tier: encode_tier(service_tier.as_ref(), losses),
        output_config: (effort.is_some() || text_format.is_some()).then_some(OutputWire { effort, text_format }),
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// Where Claude says which stop text it met, which Converse tells when asked.
fn stop_path(stream: bool) -> &'static str {
    if stream { "/delta/stop_sequence" } else { "/stop_sequence" }
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html>
#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inference<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'c str>,
}

impl<'c> Inference<'c> {
    /// The member, if it has any, and Claude's effort.
    fn encode(
        translation: &Translation<'_>,
        chat: &'c Chat<'_>,
        family: ModelFamily,
        extra: &mut Extra<'_>,
        losses: &mut Losses,
    ) -> (Option<Self>, Option<&'static str>) {
        let cap = chat.max_tokens.as_ref().map(|given| given.value);
        let stop_sequences = encode_stop(&chat.stop, family, losses);
        let (inference, effort) = match family.is_claude() {
            true => {
                let capability = Capability::of(translation.model);
                let default = u64::from(translation.default_max_tokens);
                let reasoned = claude::reasoning(chat, capability, cap.unwrap_or(default), losses);
                extra.thinking = reasoned.thinking;
                let claude::Sampled { temperature, top_p, top_k } =
                    claude::sampling(chat, translation.model, &reasoned, losses);
                extra.top_k = top_k;
                // The least cap of a thinking model is its budget and more, so it has to be stated.
                let max_tokens = cap.or(reasoned.thinking.map(|_| default));
                (Self { max_tokens, temperature, top_p, stop_sequences }, reasoned.effort)
            }
            false => {
                let unsampled = extra.set_reasoning(chat, family, losses);
                let Sampling { temperature, top_p, top_k, .. } = &chat.sampling;
                let temperature = sampled(temperature.as_ref(), unsampled, losses);
                let top_p = sampled(top_p.as_ref(), unsampled, losses);
                extra.nova_inference = encode_top_k(top_k.as_ref(), family, unsampled, losses);
                (Self { max_tokens: cap, temperature, top_p, stop_sequences }, None)
            }
        };
        ((inference != Self::default()).then_some(inference), effort)
    }
}

/// A member of sampling, which goes from 0 to 1.
fn sampled(given: Option<&Given<f64>>, unsampled: bool, losses: &mut Losses) -> Option<f64> {
    let given = given?;
    if unsampled {
        losses.declare(given.path.as_ref(), NO_SAMPLING);
        return None;
    }
    if !(0.0..=1.0).contains(&given.value) {
        losses.approximate(given.path.as_ref(), "the provider's scale goes from 0 to 1");
    }
    Some(given.value.clamp(0.0, 1.0))
}

/// Why a member of sampling is dropped.
const NO_SAMPLING: &str = "the model takes none at high effort";

fn encode_top_k(
    top_k: Option<&Given<u64>>,
    family: ModelFamily,
    unsampled: bool,
    losses: &mut Losses,
) -> Option<NovaInference> {
    let top_k = top_k?;
    let reason = match family {
        ModelFamily::Nova | ModelFamily::Nova2 if !unsampled => return Some(NovaInference { top_k: top_k.value }),
        ModelFamily::Nova | ModelFamily::Nova2 => NO_SAMPLING,
        _ => NO_MEMBER,
    };
    losses.declare(top_k.path.as_ref(), reason);
    None
}

fn encode_stop<'c>(stop: &'c [Given<Cow<'_, str>>], family: ModelFamily, losses: &mut Losses) -> Vec<&'c str> {
    let mut stops = Vec::with_capacity(stop.len());
    for given in stop {
        match given.value.is_empty() || (family.is_claude() && given.value.trim().is_empty()) {
            true => losses.declare(given.path.as_ref(), "the provider refuses stop texts of white space"),
            false => stops.push(&*given.value),
        }
    }
    stops
}

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>
fn encode_format<'c>(
    format: Option<&'c Given<ResponseFormat<'_>>>,
    family: ModelFamily,
    losses: &mut Losses,
) -> Option<FormatWire<'c>> {
    let format = format?;
    match &format.value {
        // The answer follows the schema to the letter, asked for or not.
        ResponseFormat::JsonSchema { schema, name, description, strict: _ } if family.holds_to_schemas() => {
            let json_schema = SchemaWire { schema, name: name.as_deref(), description: description.as_deref() };
            Some(FormatWire { r#type: "json_schema", structure: StructureWire { json_schema } })
        }
        ResponseFormat::JsonSchema { .. } => {
            losses.declare(format.path.as_ref(), "the model cannot be held to a schema");
            None
        }
        ResponseFormat::JsonObject => {
            losses.declare(format.path.as_ref(), "the provider knows JSON by a schema only");
            None
        }
    }
}

/// Labels for the log of calls: at most 16, of the characters and lengths that
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> gives for `requestMetadata`.
fn encode_metadata<'c>(
    metadata: Option<&'c Given<&str>>,
    losses: &mut Losses,
) -> Option<BTreeMap<Cow<'c, str>, Cow<'c, str>>> {
    const MAX: usize = 16;
    let metadata = metadata?;
    let members = Node::parse(metadata.value.as_bytes()).ok().and_then(Node::members).unwrap_or_default();
    let mut labels = BTreeMap::new();
    for (key, value) in members {
        match value.string().filter(|value| is_label(value)) {
            Some(value) if !key.is_empty() && is_label(&key) && labels.len() < MAX => {
                labels.insert(key, value);
            }
            _ => losses.declare(
                format!("{}.{key}", metadata.path),
                "the provider takes 16 labels, of up to 256 plain characters",
            ),
        }
    }
    (!labels.is_empty()).then_some(labels)
}

fn is_label(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b":_@$#=/+,-.".contains(&byte);
    text.len() <= 256 && text.bytes().all(is_allowed)
}

/// The standard class is the default, and not every model takes the word
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html>).
fn encode_tier<'c>(tier: Option<&'c Given<ServiceTier<'_>>>, losses: &mut Losses) -> Option<TierWire<'c>> {
    let tier = tier?;
    let word = match &tier.value {
        ServiceTier::Auto | ServiceTier::Standard => return None,
        ServiceTier::Priority => "priority",
        ServiceTier::Flex => "flex",
        ServiceTier::Other(word) if word == "reserved" => word,
        ServiceTier::Other(_) => {
            losses.declare(tier.path.as_ref(), "the provider has no such tier");
            return None;
        }
    };
    Some(TierWire { r#type: word })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'c> {
    messages: Vec<MessageWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Content<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_config: Option<Inference<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<Extra<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_field_paths: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_metadata: Option<BTreeMap<Cow<'c, str>, Cow<'c, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<TierWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputWire<'c>>,
}

#[derive(Serialize)]
struct TierWire<'c> {
    r#type: &'c str,
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputConfig.html>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_format: Option<FormatWire<'c>>,
}

#[derive(Serialize)]
struct FormatWire<'c> {
    r#type: &'static str,
    structure: StructureWire<'c>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StructureWire<'c> {
    json_schema: SchemaWire<'c>,
}

/// The schema is a text here.
#[derive(Serialize)]
struct SchemaWire<'c> {
    schema: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'c str>,
}

#[cfg(test)]
mod tests;
