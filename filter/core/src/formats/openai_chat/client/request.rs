//! A client's request, decoded.

use std::borrow::Cow;

use super::{message::decode_message, tool};
use crate::{
    canonical::{Chat, Effort, Given, Reasoning, ResponseFormat, Sampling, ServiceTier},
    dialect::{InvalidRequest, want},
    json::{Envelope, Node},
};

/// Decodes a request: <https://platform.openai.com/docs/api-reference/chat/create>.
///
/// Members set to null count as absent. Members that the model has no place for end in [`Chat::extra`], unless their
/// value is the default, which says nothing.
pub(super) fn decode_request<'a>(body: &'a [u8], envelope: &Envelope) -> Result<Chat<'a>, InvalidRequest> {
    let mut chat = Chat::default();
    let (mut max_tokens, mut logprobs, mut top_logprobs) = (None, None, None);
    for member in envelope.members() {
        let key = member.key.as_str();
        let value = want(member.node(body), key, "valid JSON")?;
        if value.is_null() || is_default(key, value) {
            continue;
        }
        match key {
            // Ours: the route's model, and what the relay does.
            "model" | "stream" | "stream_options" => {}
            "messages" => decode_messages(value, &mut chat)?,
            "max_completion_tokens" => {
                chat.max_tokens = Some(Given::new(positive(value, key)?, "max_completion_tokens"));
            }
            "max_tokens" => max_tokens = Some(Given::new(positive(value, key)?, "max_tokens")),
            "stop" => chat.stop = decode_stop(value)?,
            "tools" => {
                for (index, tool) in want(value.elements(), key, "a list")?.into_iter().enumerate() {
                    chat.tools.extend(tool::decode_tool(tool, &format!("tools.{index}"), &mut chat.extra)?);
                }
            }
            "web_search_options" => chat.tools.push(tool::decode_search(value, &mut chat.extra)?),
            "tool_choice" => chat.tool_choice = tool::decode_choice(value, &mut chat.extra)?,
            "parallel_tool_calls" => chat.parallel_tools = Some(boolean(value, "parallel_tool_calls")?),
            "response_format" => chat.response_format = decode_response_format(value, &mut chat.extra)?,
            "n" => chat.choices = Some(Given::new(positive(value, key)?, "n")),
            "logprobs" => logprobs = Some(boolean(value, "logprobs")?),
            "top_logprobs" => {
                let top = want(value.whole(), key, "a whole number")?;
                top_logprobs = Some(Given::new(top, "top_logprobs"));
            }
            // Groq: what the model does anyway.
            "reasoning_effort" if value.text() == "\"default\"" => {}
            "reasoning_effort" => {
                let reasoning = Reasoning { effort: Some(decode_effort(value, key)?), ..Reasoning::default() };
                chat.reasoning = Some(Given::new(reasoning, "reasoning_effort"));
            }
            "reasoning" => chat.reasoning = chat.reasoning.or(decode_reasoning(value, &mut chat.extra)?),
            "thinking" => chat.reasoning = chat.reasoning.or(decode_thinking(value)?),
            // Alibaba: <https://www.alibabacloud.com/help/en/model-studio/deep-thinking>.
            "enable_thinking" => {
                let effort = if want(value.boolean(), key, "true or false")? { None } else { Some(Effort::None) };
                let reasoning = Reasoning { effort, ..Reasoning::default() };
                chat.reasoning = chat.reasoning.or(Some(Given::new(reasoning, "enable_thinking")));
            }
            "verbosity" => chat.verbosity = Some(string(value, "verbosity")?),
            "user" => chat.user = Some(string(value, "user")?),
            "safety_identifier" => chat.safety_identifier = Some(string(value, "safety_identifier")?),
            "prompt_cache_key" => chat.prompt_cache_key = Some(string(value, "prompt_cache_key")?),
            "service_tier" => chat.service_tier = Some(decode_tier(want(value.string(), key, "a string")?)),
            "metadata" => chat.metadata = Some(object(value, "metadata")?),
            "store" => chat.store = Some(boolean(value, "store")?),
            "functions" | "function_call" => {
                return Err(InvalidRequest::new(key, "is deprecated and cannot be translated; use tools in its place"));
            }
            _ if decode_sampling(key, value, &mut chat.sampling)? => {}
            _ => chat.extra.push(key.to_owned()),
        }
    }
    if chat.messages.is_empty() {
        return Err(InvalidRequest::new("messages", "must have at least one message"));
    }
    // `max_tokens` is the deprecated name; where both are set the newer one holds.
    chat.max_tokens = chat.max_tokens.or(max_tokens);
    match (logprobs.is_some_and(|given| given.value), top_logprobs) {
        (true, Some(top)) => chat.logprobs = Some(top),
        (true, None) => chat.logprobs = Some(Given::new(0, "logprobs")),
        (false, Some(_)) => return Err(InvalidRequest::new("top_logprobs", "needs logprobs to be true")),
        (false, None) => {}
    }
    Ok(chat)
}

/// How tokens are drawn; says whether the member is one of those. `top_k` is not OpenAI's, but what many others take.
fn decode_sampling<'a>(key: &str, value: Node<'a>, sampling: &mut Sampling<'a>) -> Result<bool, InvalidRequest> {
    match key {
        "temperature" => sampling.temperature = Some(number(value, "temperature")?),
        "top_p" => sampling.top_p = Some(number(value, "top_p")?),
        "top_k" => sampling.top_k = Some(Given::new(positive(value, key)?, "top_k")),
        "frequency_penalty" => sampling.frequency_penalty = Some(number(value, "frequency_penalty")?),
        "presence_penalty" => sampling.presence_penalty = Some(number(value, "presence_penalty")?),
        "seed" => sampling.seed = Some(whole(value, "seed")?),
        // Mistral's name of it.
        "random_seed" => sampling.seed = Some(whole(value, "random_seed")?),
        "logit_bias" => sampling.logit_bias = Some(object(value, "logit_bias")?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn number(value: Node<'_>, key: &'static str) -> Result<Given<f64>, InvalidRequest> {
    Ok(Given::new(want(value.number(), key, "a number")?, key))
}

fn whole(value: Node<'_>, key: &'static str) -> Result<Given<i64>, InvalidRequest> {
    Ok(Given::new(want(value.text().parse::<i64>().ok(), key, "a whole number")?, key))
}

fn boolean(value: Node<'_>, key: &'static str) -> Result<Given<bool>, InvalidRequest> {
    Ok(Given::new(want(value.boolean(), key, "true or false")?, key))
}

fn string<'a>(value: Node<'a>, key: &'static str) -> Result<Given<Cow<'a, str>>, InvalidRequest> {
    Ok(Given::new(want(value.string(), key, "a string")?, key))
}

fn object<'a>(value: Node<'a>, key: &'static str) -> Result<Given<&'a str>, InvalidRequest> {
    Ok(Given::new(want(value.members().map(|_| value.text()), key, "an object")?, key))
}

fn decode_tier(word: Cow<'_, str>) -> Given<ServiceTier<'_>> {
    let tier = match &*word {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        "priority" | "fast" => ServiceTier::Priority,
        "flex" => ServiceTier::Flex,
        _ => ServiceTier::Other(word),
    };
    Given::new(tier, "service_tier")
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

fn decode_effort(value: Node<'_>, path: &str) -> Result<Effort, InvalidRequest> {
    let effort = value.string().and_then(|word| Effort::of_word(&word));
    want(effort, path, "one of none, minimal, low, medium, high, xhigh and max")
}

/// OpenRouter's way to say it: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
fn decode_reasoning(value: Node<'_>, extra: &mut Vec<String>) -> Result<Option<Given<Reasoning>>, InvalidRequest> {
    let mut reasoning = Reasoning::default();
    let mut enabled = None;
    for (key, value) in want(value.members(), "reasoning", "an object")?.into_iter().filter(|(_, v)| !v.is_null()) {
        let path = format!("reasoning.{key}");
        match &*key {
            "effort" => reasoning.effort = Some(decode_effort(value, &path)?),
            "max_tokens" => reasoning.budget = Some(want(value.whole(), &path, "a whole number")?),
            "enabled" => enabled = Some(want(value.boolean(), &path, "true or false")?),
            "exclude" => reasoning.visible = Some(!want(value.boolean(), &path, "true or false")?),
            _ => extra.push(path),
        }
    }
    if enabled == Some(false) {
        reasoning.effort = Some(Effort::None);
    }
    let says_something = enabled.is_some() || !reasoning.is_open();
    // Whether to show it, and nothing else, does not ask for any.
    if reasoning.visible == Some(false) && !says_something {
        extra.push("reasoning.exclude".to_owned());
    }
    Ok(says_something.then(|| Given::new(reasoning, "reasoning")))
}

/// How DeepSeek, Zhipu and Moonshot switch reasoning on and off, in Anthropic's shape:
/// <https://api-docs.deepseek.com/guides/thinking_mode>.
fn decode_thinking(value: Node<'_>) -> Result<Option<Given<Reasoning>>, InvalidRequest> {
    let kind = want(value.member("type").and_then(Node::string), "thinking.type", "a string")?;
    let reasoning = match &*kind {
        "disabled" => Reasoning { effort: Some(Effort::None), ..Reasoning::default() },
        _ => Reasoning { budget: value.member("budget_tokens").and_then(Node::whole), ..Reasoning::default() },
    };
    Ok(Some(Given::new(reasoning, "thinking")))
}

/// Whether the member says what the API does anyway.
fn is_default(key: &str, value: Node<'_>) -> bool {
    match key {
        "n" => value.whole() == Some(1),
        "frequency_penalty" | "presence_penalty" | "top_logprobs" => value.number() == Some(0.0),
        "logprobs" => value.boolean() == Some(false),
        "logit_bias" | "metadata" => value.members().is_some_and(|members| members.is_empty()),
        "modalities" => value.elements().is_some_and(|all| all.iter().all(|one| one.text() == "\"text\"")),
        "verbosity" => value.text() == "\"medium\"",
        // vLLM: all tokens.
        "top_k" => value.number().is_some_and(|most| most <= 0.0),
        _ => false,
    }
}
