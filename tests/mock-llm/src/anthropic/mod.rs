//! Anthropic's API, as <https://docs.anthropic.com/en/api/messages> has it.

mod check;
mod shapes;
mod stream;

use serde_json::{Value, json};

use crate::dialect::{Dialect, items as parts, last_spoken, text};
use crate::provider::Call;
use crate::reply::{Cached, Choice, End, Prompt, Reply, TOKENS_PER_ATTACHMENT, TOKENS_PER_MESSAGE, Tool, tokens};
use crate::send::Answer;
use crate::signed;

/// `POST /v1/messages`.
pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let body = match check::admitted(call) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let prompt = prompt(&body);
    let reply = Reply::to(&prompt, call.script);
    let usage = call.script.usage.clone().unwrap_or_else(|| usage(call, &body, &prompt, &reply));
    let answer = if body["stream"] == true {
        Answer::stream(stream::events(call, &body, &reply, &usage))
    } else {
        let mut message = message(call, &body, &reply);
        message["content"] = blocks(call, &reply).collect();
        message["stop_reason"] = json!(stop_reason(&reply));
        message["stop_sequence"] = stop_sequence(&reply);
        if !call.script.no_usage {
            message["usage"] = usage;
        }
        Answer::json(200, &message)
    };
    Answer { headers: headers(call), ..answer }
}

/// `GET /v1/models`.
pub(crate) fn models(call: &Call<'_>) -> Answer {
    if let Err(refusal) = check::authorized(call) {
        return refusal;
    }
    let model = |id: &str, name: &str| json!({"type": "model", "id": id, "display_name": name, "created_at": "2025-09-29T00:00:00Z"});
    let data = [model("claude-sonnet-4-5", "Claude Sonnet 4.5"), model("claude-haiku-4-5", "Claude Haiku 4.5")];
    let list = json!({"data": data, "has_more": false, "first_id": "claude-sonnet-4-5", "last_id": "claude-haiku-4-5"});
    Answer { headers: headers(call), ..Answer::json(200, &list) }
}

/// What Anthropic says with a status that a script asks for (<https://docs.anthropic.com/en/api/errors>).
pub(crate) fn scripted_error(status: u16) -> Answer {
    let (kind, message) = match status {
        400 => ("invalid_request_error", "The request was not accepted."),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource."),
        404 => ("not_found_error", "model: mock"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "This request would exceed your organization's rate limit."),
        504 => ("timeout_error", "Request timed out"),
        503 | 529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    };
    check::error(status, kind, message)
}

/// With what a stream breaks off when the model fails.
pub(crate) fn midway_error() -> Value {
    json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
}

fn prompt(body: &Value) -> Prompt {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let last = messages.last().map(|message| parts(&message["content"])).unwrap_or_default();
    let results = last.iter().filter(|part| part["type"] == "tool_result");
    let definitions = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let format = body["output_config"].get("format").unwrap_or(&body["output_format"]);
    Prompt {
        text: Dialect::Anthropic.last_words(body),
        tool_results: results.map(|part| words(&part["content"])).collect(),
        attachments: last_spoken(&body["messages"], "content")
            .map(|turn| attachments(&turn["content"]))
            .unwrap_or_default(),
        tools: definitions
            .iter()
            .filter_map(|tool| {
                Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters: tool["input_schema"].clone() })
            })
            .collect(),
        choice: match body["tool_choice"]["type"].as_str() {
            Some("none") => Choice::None,
            Some("any") => Choice::Any,
            Some("tool") => Choice::Named(body["tool_choice"]["name"].as_str().unwrap_or_default().into()),
            _ => Choice::Auto,
        },
        parallel: body["tool_choice"]["disable_parallel_tool_use"] != true,
        cap: body["max_tokens"].as_u64(),
        stops: body["stop_sequences"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|stop| stop.as_str().map(Into::into))
            .collect(),
        schema: (format["type"] == "json_schema").then(|| format["schema"].clone()),
        thinks: matches!(body["thinking"]["type"].as_str(), Some("enabled" | "adaptive")),
        input_tokens: input_tokens(body, messages, definitions),
    }
}

/// The words of a tool's result, and what is attached in brackets.
fn words(content: &Value) -> String {
    let attached = attachments(content).into_iter().map(|attachment| format!(" [{attachment}]"));
    text(content) + &attached.collect::<String>()
}

fn attachments(content: &Value) -> Vec<String> {
    let members = ["media_type", "url", "file_id"];
    let source =
        |part: &Value| members.iter().find_map(|member| part["source"][*member].as_str().map(ToOwned::to_owned));
    parts(content).iter().filter_map(source).collect()
}

fn input_tokens(body: &Value, messages: &[Value], tools: &[Value]) -> u64 {
    let system = tokens(&text(&body["system"]));
    let messages = messages.iter().map(|message| {
        let parts = parts(&message["content"]).iter().map(|part| match part["type"].as_str() {
            Some("tool_use") => tokens(&part["input"].to_string()),
            Some("tool_result") => tokens(&words(&part["content"])),
            Some("image" | "document") => TOKENS_PER_ATTACHMENT,
            _ => 0,
        });
        TOKENS_PER_MESSAGE + tokens(&text(&message["content"])) + parts.sum::<u64>()
    });
    let tools = tools.iter().map(|tool| tokens(&tool.to_string()));
    system + messages.chain(tools).sum::<u64>()
}

/// Anthropic's buckets are disjoint: `input_tokens` is what was neither read from the cache nor written to it.
fn usage(call: &Call<'_>, body: &Value, prompt: &Prompt, reply: &Reply) -> Value {
    let cached = match marked(body) {
        None => prompt.cached(),
        Some((words, ttl)) => {
            let length = tokens(&words).min(prompt.input_tokens);
            match ttl.as_str() {
                _ if call.provider.was_cached(words) => Cached { read: length, ..Cached::default() },
                "1h" => Cached { written_1h: length, ..Cached::default() },
                _ => Cached { written_5m: length, ..Cached::default() },
            }
        }
    };
    let Cached { read, written_5m, written_1h } = cached;
    json!({
        "input_tokens": prompt.input_tokens - read - written_5m - written_1h,
        "cache_creation_input_tokens": written_5m + written_1h,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written_5m, "ephemeral_1h_input_tokens": written_1h},
        "output_tokens": reply.output_tokens(),
        "service_tier": "standard",
    })
}

/// The words up to the last block with a `cache_control`, system first, and how long that keeps them.
fn marked(body: &Value) -> Option<(String, String)> {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let blocks = parts(&body["system"]).iter().chain(messages.iter().flat_map(|message| parts(&message["content"])));
    let (mut words, mut marked) = (String::new(), None);
    for block in blocks {
        words.push_str(block["text"].as_str().unwrap_or_default());
        if let Some(control) = block.get("cache_control").filter(|control| !control.is_null()) {
            marked = Some((words.clone(), control["ttl"].as_str().unwrap_or("5m").to_owned()));
        }
    }
    marked
}

fn message(call: &Call<'_>, body: &Value, reply: &Reply) -> Value {
    let mut message = json!({
        "id": format!("msg_mock{:020}", call.number),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    });
    if reply.end == End::Refusal {
        message["stop_details"] = json!({"type": "refusal", "category": null, "explanation": reply.text});
    }
    message
}

fn blocks(call: &Call<'_>, reply: &Reply) -> impl Iterator<Item = Value> {
    let number = call.number;
    let thinking = reply.thinking.iter().map(|thinking| match reply.secret {
        true => json!({"type": "redacted_thinking", "data": signed::sealed("claude", thinking)}),
        false => {
            let signature = signed::signature("claude", thinking);
            json!({"type": "thinking", "thinking": thinking, "signature": signature})
        }
    });
    let text = (!reply.text.is_empty()).then(|| json!({"type": "text", "text": reply.text}));
    let calls = reply.calls.iter().enumerate().map(move |(position, tool)| {
        json!({"type": "tool_use", "id": tool_id(number, position), "name": tool.name, "input": tool.arguments})
    });
    thinking.chain(text).chain(calls)
}

fn tool_id(number: u64, position: usize) -> String {
    format!("toolu_mock{number:014}{position:04}")
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.end {
        End::Natural => "end_turn",
        End::StopSequence(_) => "stop_sequence",
        End::Cap => "max_tokens",
        End::Calls => "tool_use",
        End::Refusal => "refusal",
    }
}

fn stop_sequence(reply: &Reply) -> Value {
    match &reply.end {
        End::StopSequence(stop) => json!(stop),
        _ => Value::Null,
    }
}

fn headers(call: &Call<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("request-id", format!("req_mock{:020}", call.number)),
        ("anthropic-organization-id", "mock".into()),
        ("anthropic-ratelimit-requests-limit", "1000".into()),
        ("anthropic-ratelimit-requests-remaining", "999".into()),
    ]
}
