//! A client's request, decoded.

use super::{message::decode_messages, tool};
use crate::{
    canonical::{Chat, Effort, Given, Message, Part, Reasoning, ResponseFormat, Role, ServiceTier},
    dialect::{InvalidRequest, want},
    json::{Envelope, Node},
    vendors::claude::decode_cache,
};

/// Decodes a request: <https://platform.claude.com/docs/en/api/messages/create>.
///
/// Members set to null count as absent. Members that the model has no place for end in [`Chat::extra`].
pub(super) fn decode_request<'a>(body: &'a [u8], envelope: &Envelope) -> Result<Chat<'a>, InvalidRequest> {
    let mut chat = Chat::default();
    let mut system = Vec::new();
    let mut thinking = None;
    let mut effort = None;
    let mut caches_all = None;
    for member in envelope.members() {
        let key = member.key.as_str();
        let value = want(member.node(body), key, "valid JSON")?;
        if value.is_null() {
            continue;
        }
        match key {
            // Ours: the route's model, and what the relay does.
            "model" | "stream" => {}
            "messages" => chat.messages = decode_messages(value, &mut chat.extra)?,
            "system" => system = decode_system(value, &mut chat.extra)?,
            "max_tokens" => {
                let cap = want(value.whole().filter(|cap| *cap > 0), key, "a whole number above 0")?;
                chat.max_tokens = Some(Given::new(cap, "max_tokens"));
            }
            "temperature" => chat.sampling.temperature = Some(Given::new(number(value, key)?, "temperature")),
            "top_p" => chat.sampling.top_p = Some(Given::new(number(value, key)?, "top_p")),
            "top_k" => {
                let top_k = want(value.whole(), key, "a whole number, 0 or more")?;
                chat.sampling.top_k = Some(Given::new(top_k, "top_k"));
            }
            "stop_sequences" => {
                for (index, stop) in want(value.elements(), key, "a list of strings")?.into_iter().enumerate() {
                    let path = format!("stop_sequences.{index}");
                    chat.stop.push(Given::new(want(stop.string(), &path, "a string")?, path));
                }
            }
            "tools" => {
                for (index, tool) in want(value.elements(), key, "a list")?.into_iter().enumerate() {
                    chat.tools.extend(tool::decode_tool(tool, &format!("tools.{index}"), &mut chat.extra)?);
                }
            }
            "tool_choice" => tool::decode_choice(value, &mut chat)?,
            "thinking" => thinking = Some(decode_thinking(value)?),
            "output_config" => effort = decode_output(value, &mut chat)?,
            "metadata" => decode_metadata(value, &mut chat)?,
            "service_tier" => chat.service_tier = Some(Given::new(decode_tier(value)?, "service_tier")),
            "cache_control" => caches_all = decode_cache(value, key)?,
            _ => chat.extra.push(key.to_owned()),
        }
    }
    if chat.messages.is_empty() {
        return Err(InvalidRequest::new("messages", "must have at least one message"));
    }
    if chat.max_tokens.is_none() {
        return Err(InvalidRequest::new("max_tokens", "must be given: the most tokens to generate"));
    }
    // A mark on the whole request is one on its last block that can be cached
    // (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching#automatic-caching>).
    if let (Some(mark), Some(last)) =
        (caches_all, chat.messages.last_mut().and_then(|message| message.parts.last_mut()))
    {
        last.cache = last.cache.or(Some(mark));
    }
    if !system.is_empty() {
        chat.messages.insert(0, Message { role: Role::System, parts: system, path: "system".to_owned() });
    }
    chat.reasoning = combine(thinking, effort);
    Ok(chat)
}

fn number(value: Node<'_>, path: &str) -> Result<f64, InvalidRequest> {
    want(value.number(), path, "a number")
}

/// A text, or a list of text blocks.
fn decode_system<'a>(value: Node<'a>, extra: &mut Vec<String>) -> Result<Vec<Part<'a>>, InvalidRequest> {
    let parts = super::message::decode_content(value, "system", extra)?;
    match parts.iter().find(|part| !matches!(part.block, crate::canonical::Block::Text(_))) {
        Some(part) => Err(InvalidRequest::new(part.path.as_str(), "must be a text block")),
        None => Ok(parts),
    }
}

/// What `thinking` says; the effort beside it is in `output_config`.
fn decode_thinking(value: Node<'_>) -> Result<Reasoning, InvalidRequest> {
    let visible = match value.member("display").and_then(Node::string).as_deref() {
        Some("omitted") => Some(false),
        // What a client of this format expects to see unless it says otherwise.
        _ => Some(true),
    };
    match value.member("type").and_then(Node::string).as_deref() {
        Some("disabled") => Ok(Reasoning { effort: Some(Effort::None), budget: None, visible }),
        Some("adaptive") => Ok(Reasoning { effort: None, budget: None, visible }),
        Some("enabled") => {
            let budget = value.member("budget_tokens").and_then(Node::whole);
            let budget = want(budget, "thinking.budget_tokens", "a whole number of tokens")?;
            Ok(Reasoning { effort: None, budget: Some(budget), visible })
        }
        _ => Err(InvalidRequest::new("thinking.type", "must be enabled, disabled or adaptive")),
    }
}

/// Thinking that is left to the model has the effort `high` unless another is named
/// (<https://platform.claude.com/docs/en/build-with-claude/effort>).
fn combine(thinking: Option<Reasoning>, effort: Option<Effort>) -> Option<Given<Reasoning>> {
    match (thinking, effort) {
        (Some(thinking), _) if thinking.is_off() || thinking.budget.is_some() => Some(Given::new(thinking, "thinking")),
        (Some(thinking), effort) => {
            let effort = Some(effort.unwrap_or(Effort::High));
            Some(Given::new(Reasoning { effort, ..thinking }, "thinking"))
        }
        (None, Some(effort)) => {
            let reasoning = Reasoning { effort: Some(effort), ..Reasoning::default() };
            Some(Given::new(reasoning, "output_config.effort"))
        }
        (None, None) => None,
    }
}

/// `output_config`: the effort it names, and the form of the answer, which goes into the chat.
fn decode_output<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<Option<Effort>, InvalidRequest> {
    let mut effort = None;
    for (key, value) in want(value.members(), "output_config", "an object")?.into_iter().filter(|(_, v)| !v.is_null()) {
        let path = format!("output_config.{key}");
        match &*key {
            "effort" => {
                let word = value.string().and_then(|word| Effort::of_word(&word));
                effort = Some(want(word, &path, "low, medium, high, xhigh or max")?);
            }
            "format" => {
                if value.member("type").and_then(Node::string).as_deref() != Some("json_schema") {
                    return Err(InvalidRequest::new(format!("{path}.type"), "must be \"json_schema\""));
                }
                let schema = value.member("schema").filter(|schema| schema.members().is_some());
                let schema = want(schema, &format!("{path}.schema"), "an object")?;
                chat.response_format = Some(Given::new(
                    ResponseFormat::JsonSchema {
                        schema: schema.text().into(),
                        name: None,
                        description: None,
                        // What this format does in any case.
                        strict: Some(true),
                    },
                    "output_config.format",
                ));
            }
            _ => chat.extra.push(path),
        }
    }
    Ok(effort)
}

fn decode_metadata<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    for (key, value) in want(value.members(), "metadata", "an object")?.into_iter().filter(|(_, v)| !v.is_null()) {
        match &*key {
            "user_id" => {
                let user = want(value.string(), "metadata.user_id", "a string")?;
                chat.user = Some(Given::new(user, "metadata.user_id"));
            }
            key => chat.extra.push(format!("metadata.{key}")),
        }
    }
    Ok(())
}

/// <https://platform.claude.com/docs/en/api/service-tiers>
fn decode_tier(value: Node<'_>) -> Result<ServiceTier<'_>, InvalidRequest> {
    let word = want(value.string(), "service_tier", "a string")?;
    Ok(match &*word {
        "auto" => ServiceTier::Auto,
        "standard_only" => ServiceTier::Standard,
        _ => ServiceTier::Other(word),
    })
}
