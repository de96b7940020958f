//! A request for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    content::{Content, encode_parts, encode_text},
    tool::{ChoiceWire, ToolWire, encode_choice, encode_tools},
};
use crate::{
    canonical::{Block, Chat, Given, Losses, Message, ResponseFormat, Role, Sampling, ServiceTier},
    dialect::{InvalidRequest, NO_MEMBER, Translation, owned_raw, raw, schema},
    vendors::claude::{self, Capability, ThinkingWire},
};

/// Encodes a request: <https://platform.claude.com/docs/en/api/messages/create>.
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
        reasoning: _, // read by `claude::reasoning`
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
        temperature: _, // these three are read by `claude`
        top_p: _,
        top_k: _,
        frequency_penalty,
        presence_penalty,
        seed,
        logit_bias,
    } = sampling;
    let max_tokens = max_tokens.as_ref().map_or(translation.default_max_tokens.into(), |given| given.value);
    let capability = Capability::of(translation.model);
    let reasoned = claude::reasoning(chat, capability, max_tokens, losses);
    let claude::Sampled { temperature, top_p, top_k } = claude::sampling(chat, translation.model, &reasoned, losses);
    let (system, messages) = encode_messages(messages, losses)?;
    let (tools, tool_choice) = (
        encode_tools(tools, tool_choice.as_ref(), losses)?,
        encode_choice(tools, tool_choice.as_ref(), parallel_tools.as_ref(), losses),
    );
    let format = encode_format(response_format.as_ref(), losses)?;
    losses.declare_given(frequency_penalty.as_ref(), NO_MEMBER);
    losses.declare_given(presence_penalty.as_ref(), NO_MEMBER);
    losses.declare_given(seed.as_ref(), NO_MEMBER);
    losses.declare_given(logit_bias.as_ref(), NO_MEMBER);
    losses.declare_given(choices.as_ref().filter(|given| given.value > 1), "the provider gives one answer");
    losses.declare_given(logprobs.as_ref(), NO_MEMBER);
    losses.declare_given(verbosity.as_ref(), NO_MEMBER);
    losses.declare_given(prompt_cache_key.as_ref(), NO_MEMBER);
    losses.declare_given(metadata.as_ref(), NO_MEMBER);
    losses.declare_given(store.as_ref().filter(|given| given.value), "the provider keeps no answers");
    let user = match (user, safety_identifier) {
        (Some(user), Some(other)) => {
            losses.declare(other.path.as_ref(), "the provider takes one name of the end user");
            Some(user)
        }
        (user, other) => user.as_ref().or(other.as_ref()),
    };
    let wire = Wire {
        model: translation.model,
        max_tokens,
        system,
        messages,
        tools,
        tool_choice,
        temperature,
        top_p,
        top_k,
        stop_sequences: stop_sequences(stop, losses),
        thinking: reasoned.thinking,
        output_config: (format.is_some() || reasoned.effort.is_some())
            .then_some(OutputWire { effort: reasoned.effort, format }),
        metadata: user.map(|user| MetadataWire { user_id: &user.value }),
        service_tier: encode_tier(service_tier.as_ref(), losses),
        stream: translation.stream,
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// Leading system messages become `system`. The API takes others only with some models and places
/// (<https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages>), so later ones become words
/// of the user, which is declared. Consecutive messages of one role are sent as they are: the API joins them itself (the
/// description of `messages` in its reference); results of one turn's tools it wants in one message, so those are joined.
fn encode_messages<'c>(
    chat: &'c [Message<'_>],
    losses: &mut Losses,
) -> Result<(Vec<Content<'c>>, Vec<MessageWire<'c>>), InvalidRequest> {
    let mut system = Vec::new();
    let mut messages: Vec<MessageWire<'c>> = Vec::new();
    let mut joins = false;
    for message in chat {
        if message.role == Role::System && messages.is_empty() {
            for part in &message.parts {
                match &part.block {
                    Block::Text(text) | Block::Refusal(text) => system.extend(encode_text(text, part, losses)),
                    _ => losses.declare(part.path.as_str(), "the provider's system prompt is text only"),
                }
            }
            continue;
        }
        if message.role == Role::System {
            losses.approximate(message.path.as_str(), "instructions after the first turn become words of the user");
        }
        if message.has_results_behind_words() {
            losses.approximate(message.path.as_str(), "results of tools go before other words of the user");
        }
        let content = encode_parts(&message.parts, losses)?;
        // Anthropic refuses messages without content, but for the last one of the assistant.
        if content.is_empty() {
            losses.declare(message.path.as_str(), "the provider takes no message without content");
            continue;
        }
        let results = message.parts.iter().all(|part| matches!(part.block, Block::ToolResult { .. }));
        match messages.last_mut() {
            Some(last) if joins && results => last.content.extend(content),
            _ => {
                let role = if message.role == Role::Assistant { "assistant" } else { "user" };
                messages.push(MessageWire { role, content });
            }
        }
        joins = results;
    }
    if messages.is_empty() {
        let message = "must have a message besides instructions and empty ones";
        return Err(InvalidRequest::new("messages", message));
    }
    if let (Some(last), Some(said)) = (messages.last_mut().filter(|last| last.role == "assistant"), chat.last())
        && last.content.last_mut().is_some_and(Content::trim_end)
    {
        losses.approximate(said.path.as_str(), "the provider goes on from no text that ends in white space");
    }
    Ok((system, messages))
}

fn encode_format<'c>(
    format: Option<&'c Given<ResponseFormat<'_>>>,
    losses: &mut Losses,
) -> Result<Option<FormatWire<'c>>, InvalidRequest> {
    let Some(format) = format else { return Ok(None) };
    match &format.value {
        // The name labels the schema, and the answer follows it to the letter, asked for or not
        // (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).
        ResponseFormat::JsonSchema { schema, name: _, description, strict: _ } => {
            let schema = match schema::describe(schema, description.as_deref()) {
                Cow::Borrowed(schema) => Cow::Borrowed(raw(schema)?),
                Cow::Owned(schema) => Cow::Owned(owned_raw(schema)?),
            };
            Ok(Some(FormatWire { r#type: "json_schema", schema }))
        }
        ResponseFormat::JsonObject => {
            losses.declare(format.path.as_ref(), "the provider knows JSON by a schema only");
            Ok(None)
        }
    }
}

fn stop_sequences<'c>(stop: &'c [Given<Cow<'_, str>>], losses: &mut Losses) -> Vec<&'c str> {
    let mut stops = Vec::with_capacity(stop.len());
    for given in stop {
        match given.value.trim().is_empty() {
            true => losses.declare(given.path.as_ref(), "the provider refuses stop texts of white space"),
            false => stops.push(&*given.value),
        }
    }
    stops
}

/// `auto` is the default of both; standard capacity alone is `standard_only`
/// (<https://platform.claude.com/docs/en/api/service-tiers>).
fn encode_tier(tier: Option<&Given<ServiceTier<'_>>>, losses: &mut Losses) -> Option<&'static str> {
    let tier = tier?;
    match &tier.value {
        ServiceTier::Auto => None,
        ServiceTier::Standard => Some("standard_only"),
        ServiceTier::Priority => {
            losses.approximate(tier.path.as_ref(), "the provider gives priority by contract, where there is one");
            None
        }
        ServiceTier::Flex | ServiceTier::Other(_) => {
            losses.declare(tier.path.as_ref(), "the provider has no such tier");
            None
        }
    }
}

#[derive(Serialize)]
struct Wire<'c> {
    model: &'c str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Content<'c>>,
    messages: Vec<MessageWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct MessageWire<'c> {
    role: &'static str,
    content: Vec<Content<'c>>,
}

#[derive(Serialize)]
struct OutputWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatWire<'c>>,
}

#[derive(Serialize)]
struct FormatWire<'c> {
    r#type: &'static str,
    schema: Cow<'c, RawValue>,
}

#[derive(Serialize)]
struct MetadataWire<'c> {
    user_id: &'c str,
}
