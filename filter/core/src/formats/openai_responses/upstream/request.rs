use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::Capability,
    input::{ItemWire, encode_input, shortened},
    tool::{ChoiceWire, ToolWire, encode_choice, encode_tools, raw},
};
use crate::{
    canonical::{Chat, Effort, Given, Losses, Reasoning, ResponseFormat, Sampling, ServiceTier},
    formats::{Attempt, InvalidRequest},
};

/// Encodes a request: <https://platform.openai.com/docs/api-reference/responses/create>.
///
/// Nothing is stored unless the client asks for that: the conversation comes whole with each request, and its reasoning with
/// encrypted content.
pub(in crate::formats::openai_responses) fn encode_request(
    attempt: &Attempt<'_>,
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
    for path in [
        top_k.as_ref().map(|given| &given.path),
        frequency_penalty.as_ref().map(|given| &given.path),
        presence_penalty.as_ref().map(|given| &given.path),
        seed.as_ref().map(|given| &given.path),
        logit_bias.as_ref().map(|given| &given.path),
    ]
    .into_iter()
    .flatten()
    .chain(stop.iter().map(|given| &given.path))
    {
        losses.declare(path.as_ref(), "the provider's format has no such member");
    }
    if let Some(choices) = choices.as_ref().filter(|choices| choices.value > 1) {
        losses.declare(choices.path.as_ref(), "the provider gives one answer");
    }
    let capability = Capability::of(attempt.model);
    let reasoning = encode_reasoning(reasoning.as_ref(), capability, losses);
    let samples = capability.samples(reasoning.as_ref().and_then(|reasoning| reasoning.level));
    let logprobs = logprobs.as_ref().filter(|given| samples || dropped(&given.path, losses));
    let wire = Wire {
        model: attempt.model,
        input: encode_input(messages, losses)?,
        tools: encode_tools(tools, losses)?,
        tool_choice: encode_choice(tool_choice.as_ref(), !tools.is_empty(), losses),
        parallel_tool_calls: parallel_tools.as_ref().map(|given| given.value).filter(|_| !tools.is_empty()),
        max_output_tokens: encode_cap(max_tokens.as_ref(), losses),
        temperature: encode_sampling(temperature.as_ref(), samples, losses),
        top_p: encode_sampling(top_p.as_ref(), samples, losses),
        top_logprobs: encode_alternatives(logprobs, losses),
        include: [
            capability.reasons().then_some("reasoning.encrypted_content"),
            logprobs.map(|_| "message.output_text.logprobs"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        text: encode_text(response_format.as_ref(), verbosity.as_ref(), losses)?,
        reasoning,
        user: encode_name(user.as_ref(), losses),
        safety_identifier: encode_name(safety_identifier.as_ref(), losses),
        prompt_cache_key: encode_name(prompt_cache_key.as_ref(), losses),
        service_tier: encode_tier(service_tier.as_ref(), losses),
        metadata: metadata.as_ref().map(|given| raw(given.value, &given.path)).transpose()?,
        store: store.as_ref().is_some_and(|given| given.value),
        stream: attempt.stream,
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// The least cap that the API takes (the description of `max_output_tokens` in its reference).
const MIN_CAP: u64 = 16;

fn encode_cap(cap: Option<&Given<u64>>, losses: &mut Losses) -> Option<u64> {
    let cap = cap?;
    if cap.value < MIN_CAP {
        losses.approximate(cap.path.as_ref(), "the least cap of the provider is 16");
    }
    Some(cap.value.max(MIN_CAP))
}

/// The default is left out for models that take no other.
fn encode_sampling(value: Option<&Given<f64>>, samples: bool, losses: &mut Losses) -> Option<f64> {
    let value = value?;
    #[expect(clippy::float_cmp, reason = "the default, as written")]
    let is_default = value.value == 1.0;
    match samples {
        true => Some(value.value),
        false if is_default => None,
        false => dropped(&value.path, losses).then_some(value.value),
    }
}

/// Declares what a model that reasons does not take.
fn dropped(path: &Cow<'static, str>, losses: &mut Losses) -> bool {
    losses.declare(path.as_ref(), "the model takes none when it reasons");
    false
}

/// Most alternatives to a token that the API gives.
const MAX_ALTERNATIVES: u64 = 20;

fn encode_alternatives(logprobs: Option<&Given<u64>>, losses: &mut Losses) -> Option<u64> {
    let given = logprobs?;
    if given.value > MAX_ALTERNATIVES {
        losses.approximate(given.path.as_ref(), "the provider gives at most 20 alternatives");
    }
    Some(given.value.min(MAX_ALTERNATIVES)).filter(|most| *most > 0)
}

fn encode_reasoning(
    reasoning: Option<&Given<Reasoning>>,
    capability: Capability,
    losses: &mut Losses,
) -> Option<ReasoningWire> {
    let Given { value: reasoning, path } = reasoning?;
    if !capability.reasons() {
        if !reasoning.is_off() {
            losses.declare(path.as_ref(), "the model does not reason");
        }
        return None;
    }
    let wanted = reasoning.level();
    let level = wanted.map(|level| capability.nearest(level));
    if level != wanted {
        losses.approximate(path.as_ref(), "the model has no such effort; the nearest was taken");
    } else if reasoning.effort.is_none() && reasoning.budget.is_some_and(|budget| budget > 0) {
        losses.approximate(path.as_ref(), "the provider knows efforts and no budgets");
    }
    // A summary that nobody asked for may be refused: some organisations must be verified first.
    let summary = (reasoning.visible == Some(true) && !reasoning.is_off()).then_some("auto");
    (level.is_some() || summary.is_some()).then(|| ReasoningWire { effort: level.map(Effort::word), level, summary })
}

fn encode_text<'c>(
    format: Option<&'c Given<ResponseFormat<'_>>>,
    verbosity: Option<&'c Given<Cow<'_, str>>>,
    losses: &mut Losses,
) -> Result<Option<TextWire<'c>>, InvalidRequest> {
    let format = match format {
        None => None,
        Some(Given { value: ResponseFormat::JsonObject, .. }) => Some(FormatWire::JsonObject {}),
        Some(Given { value: ResponseFormat::JsonSchema { schema, name, description, strict }, path }) => {
            Some(FormatWire::JsonSchema {
                name: encode_format_name(name.as_deref(), path, losses),
                description: description.as_deref(),
                schema: raw(schema, path)?,
                strict: *strict,
            })
        }
    };
    let verbosity = verbosity.map(|given| &*given.value);
    Ok((format.is_some() || verbosity.is_some()).then_some(TextWire { format, verbosity }))
}

/// A name is wanted, of letters, digits, `_` and `-`, 64 at most (the description of `text.format.name`).
fn encode_format_name<'c>(name: Option<&'c str>, path: &str, losses: &mut Losses) -> Cow<'c, str> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return "response".into() };
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if name.len() <= 64 && name.chars().all(is_allowed) {
        return name.into();
    }
    losses.approximate(format!("{path}.name"), "the provider takes letters, digits, _ and -, 64 at most");
    name.chars().take(64).map(|letter| if is_allowed(letter) { letter } else { '_' }).collect()
}

/// Names have 64 characters at most; a longer one is replaced by its digest, so that it stays one name.
fn encode_name<'c>(name: Option<&'c Given<Cow<'_, str>>>, losses: &mut Losses) -> Option<Cow<'c, str>> {
    let name = name?;
    let Some(digest) = shortened(&name.value) else { return Some(Cow::Borrowed(&*name.value)) };
    losses.approximate(name.path.as_ref(), "the provider takes 64 characters; a digest stands for the name");
    Some(Cow::Owned(digest))
}

/// <https://platform.openai.com/docs/api-reference/responses/create#responses_create-service_tier>
fn encode_tier<'c>(tier: Option<&'c Given<ServiceTier<'_>>>, losses: &mut Losses) -> Option<&'c str> {
    let tier = tier?;
    match &tier.value {
        ServiceTier::Auto => None,
        ServiceTier::Standard => Some("default"),
        ServiceTier::Priority => Some("priority"),
        ServiceTier::Flex => Some("flex"),
        ServiceTier::Other(word) if matches!(&**word, "scale" | "fast" | "ultrafast") => Some(word),
        ServiceTier::Other(_) => {
            losses.declare(tier.path.as_ref(), "the provider has no such tier");
            None
        }
    }
}

#[derive(Serialize)]
struct Wire<'c> {
    model: &'c str,
    input: Vec<ItemWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'c RawValue>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct ReasoningWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip)]
    level: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

#[derive(Serialize)]
struct TextWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'c str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatWire<'c> {
    JsonObject {},
    JsonSchema {
        name: Cow<'c, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'c str>,
        schema: &'c RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}
