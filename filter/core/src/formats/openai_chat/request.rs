use std::borrow::Cow;

use super::{message::decode_message, tool};
use crate::{
    canonical::{CacheMark, Chat, Effort, Given, Reasoning, ResponseFormat, ServiceTier},
    formats::InvalidRequest,
    json::{Envelope, Node},
};

/// Decodes a request: <https://platform.openai.com/docs/api-reference/chat/create>.
///
/// Members set to null count as absent. Members that the model has no place for end in [`Chat::extra`], unless their
/// value is the default, which says nothing.
pub(super) fn decode_request<'a>(body: &'a [u8], envelope: &Envelope) -> Result<Chat<'a>, InvalidRequest> {
    let mut chat = Chat::default();
    let mut max_tokens = None;
    for member in envelope.members() {
        let key = member.key.as_str();
        let value = want(member.node(body), key, "valid JSON")?;
        if value.is_null() {
            continue;
        }
        match key {
            // Ours: the route's model, and what the relay does.
            "model" | "stream" | "stream_options" => {}
            "messages" => decode_messages(value, &mut chat)?,
            "max_completion_tokens" => {
                chat.max_tokens = Some(Given::new(positive(value, key)?, "max_completion_tokens"))
            }
            "max_tokens" => max_tokens = Some(Given::new(positive(value, key)?, "max_tokens")),
            "temperature" => {
                chat.sampling.temperature = Some(Given::new(want(value.number(), key, "a number")?, "temperature"))
            }
            "top_p" => chat.sampling.top_p = Some(Given::new(want(value.number(), key, "a number")?, "top_p")),
            "stop" => chat.stop = decode_stop(value)?,
            "tools" => {
                for (index, tool) in want(value.elements(), key, "a list")?.into_iter().enumerate() {
                    chat.tools.extend(tool::decode_tool(tool, &format!("tools.{index}"), &mut chat.extra)?);
                }
            }
            "tool_choice" => chat.tool_choice = tool::decode_choice(value, &mut chat.extra)?,
            "parallel_tool_calls" => {
                chat.parallel_tools =
                    Some(Given::new(want(value.boolean(), key, "true or false")?, "parallel_tool_calls"));
            }
            "response_format" => chat.response_format = decode_response_format(value, &mut chat.extra)?,
            "reasoning_effort" => {
                let reasoning = Reasoning { effort: Some(decode_effort(value)?), ..Reasoning::default() };
                chat.reasoning = Some(Given::new(reasoning, "reasoning_effort"));
            }
            "user" => chat.user = Some(Given::new(want(value.string(), key, "a string")?, "user")),
            "service_tier" => {
                let word = want(value.string(), key, "a string")?;
                let tier = match &*word {
                    "auto" => ServiceTier::Auto,
                    "default" => ServiceTier::Standard,
                    "priority" => ServiceTier::Priority,
                    "flex" => ServiceTier::Flex,
                    _ => ServiceTier::Other(word),
                };
                chat.service_tier = Some(Given::new(tier, "service_tier"));
            }
            "functions" | "function_call" => {
                return Err(InvalidRequest::new(key, "is deprecated and cannot be translated; use tools in its place"));
            }
            _ if is_default(key, value) => {}
            _ => chat.extra.push(key.to_owned()),
        }
    }
    if chat.messages.is_empty() {
        return Err(InvalidRequest::new("messages", "must have at least one message"));
    }
    // `max_tokens` is the deprecated name; where both are set the newer one holds.
    chat.max_tokens = chat.max_tokens.or(max_tokens);
    Ok(chat)
}

/// The value, or an error that says where and what was expected.
pub(super) fn want<T>(value: Option<T>, path: &str, expected: &str) -> Result<T, InvalidRequest> {
    value.ok_or_else(|| InvalidRequest::new(path, format!("must be {expected}")))
}

/// A prompt caching mark in Anthropic's shape, as several clients put it into chat requests.
pub(super) fn decode_cache(value: Node<'_>, path: &str) -> Result<Option<CacheMark>, InvalidRequest> {
    if value.is_null() {
        return Ok(None);
    }
    if value.member("type").and_then(Node::string).as_deref() != Some("ephemeral") {
        return Err(InvalidRequest::new(path, "must be an object whose type is \"ephemeral\""));
    }
    match value.member("ttl").filter(|ttl| !ttl.is_null()).map(Node::string) {
        None => Ok(Some(CacheMark::FiveMinutes)),
        Some(Some(ttl)) if ttl == "5m" => Ok(Some(CacheMark::FiveMinutes)),
        Some(Some(ttl)) if ttl == "1h" => Ok(Some(CacheMark::Hour)),
        Some(_) => Err(InvalidRequest::new(format!("{path}.ttl"), "must be \"5m\" or \"1h\"")),
    }
}

fn decode_messages<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    chat.messages.clear();
    for (index, message) in want(value.elements(), "messages", "a list")?.into_iter().enumerate() {
        chat.messages.push(decode_message(message, format!("messages.{index}"), &mut chat.extra)?);
    }
    Ok(())
}

fn positive(value: Node<'_>, path: &str) -> Result<u64, InvalidRequest> {
    want(value.whole().filter(|number| *number > 0), path, "a whole number above 0")
}

fn decode_stop(value: Node<'_>) -> Result<Vec<Given<Cow<'_, str>>>, InvalidRequest> {
    if let Some(stop) = value.string() {
        return Ok(vec![Given::new(stop, "stop")]);
    }
    let elements = want(value.elements(), "stop", "a string or a list of strings")?.into_iter().enumerate();
    let texts = elements.map(|(index, stop)| {
        let path = format!("stop.{index}");
        let text = want(stop.string(), &path, "a string")?;
        Ok(Given::new(text, path))
    });
    texts.collect()
}

fn decode_response_format<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Option<Given<ResponseFormat<'a>>>, InvalidRequest> {
    let given = |format| Some(Given::new(format, "response_format"));
    let kind = want(value.member("type").and_then(Node::string), "response_format.type", "a string")?;
    match &*kind {
        "text" => Ok(None),
        "json_object" => Ok(given(ResponseFormat::JsonObject)),
        "json_schema" => {
            let path = "response_format.json_schema";
            let inner = want(value.member("json_schema"), path, "an object")?;
            for (key, _) in want(inner.members(), path, "an object")? {
                if !matches!(&*key, "schema" | "name" | "strict" | "description") {
                    extra.push(format!("{path}.{key}"));
                }
            }
            let schema = inner.member("schema").filter(|schema| schema.members().is_some());
            let schema = want(schema, "response_format.json_schema.schema", "an object")?;
            let text = |key| inner.member(key).and_then(Node::string);
            Ok(given(ResponseFormat::JsonSchema {
                schema: schema.text().into(),
                name: text("name"),
                description: text("description"),
                strict: inner.member("strict").and_then(Node::boolean),
            }))
        }
        _ => {
            extra.push("response_format".to_owned());
            Ok(None)
        }
    }
}

fn decode_effort(value: Node<'_>) -> Result<Effort, InvalidRequest> {
    let effort = value.string().and_then(|word| Effort::of_word(&word));
    want(effort, "reasoning_effort", "one of none, minimal, low, medium, high, xhigh and max")
}

/// Whether the member says what the API does anyway.
fn is_default(key: &str, value: Node<'_>) -> bool {
    match key {
        "n" => value.whole() == Some(1),
        "frequency_penalty" | "presence_penalty" | "top_logprobs" => value.number() == Some(0.0),
        "logprobs" | "store" => value.boolean() == Some(false),
        "logit_bias" | "metadata" => value.members().is_some_and(|members| members.is_empty()),
        "modalities" => value.elements().is_some_and(|all| all.iter().all(|one| one.text() == "\"text\"")),
        "verbosity" => value.text() == "\"medium\"",
        _ => false,
    }
}
