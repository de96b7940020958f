//! Amazon Bedrock's Converse (<https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html>), with a Claude behind it.

mod check;
pub(crate) mod error;
mod frame;
mod shapes;
mod sigv4;
mod stream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::dialect::{Dialect, decoded, items, last_spoken, text};
use crate::provider::Call;
use crate::reply::{Cached, Choice, End, Prompt, Reply, TOKENS_PER_ATTACHMENT, TOKENS_PER_MESSAGE, Tool, tokens};
use crate::send::{Answer, Framing};
use crate::signed;

/// What a path asks for.
pub(crate) struct Operation {
    pub(crate) model: String,
    stream: bool,
}

/// The operation of a path such as `/model/MODEL/converse`; the model is one segment, its colons and slashes encoded.
pub(crate) fn operation(path: &str) -> Option<Operation> {
    let (model, method) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let stream = match method {
        "converse" => false,
        "converse-stream" => true,
        _ => return None,
    };
    Some(Operation { model: decoded(model), stream })
}

/// `POST /model/{modelId}/converse` and `POST /model/{modelId}/converse-stream`.
pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let Some(operation) = operation(call.uri.path()) else { return error::scripted(404) };
    let body = match check::admitted(call, &operation.model) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let prompt = prompt(&body);
    let reply = Reply::to(&prompt, call.script);
    let usage = call.script.usage.clone().unwrap_or_else(|| usage(call, &body, &prompt, &reply));
    let usage = (!call.script.no_usage).then_some(usage);
    let blocks = blocks(call, &reply);
    let answer = if operation.stream {
        let events = stream::events(&body, &reply, &blocks, usage);
        Answer::framed(Framing::Binary, "application/vnd.amazon.eventstream", events)
    } else {
        let mut answer = json!({
            "metrics": {"latencyMs": 42},
            "output": {"message": {"role": "assistant", "content": blocks}},
            "stopReason": stop_reason(&reply),
        });
        if let Some(fields) = additional_fields(&body, &reply) {
            answer["additionalModelResponseFields"] = fields;
        }
        if let Some(usage) = usage {
            answer["usage"] = usage;
        }
        Answer::json(200, &answer)
    };
    Answer { headers: vec![("x-amzn-requestid", format!("00000000-0000-4000-8000-{:012}", call.number))], ..answer }
}

/// What goes past Converse to the model itself.
fn model_fields(body: &Value) -> &Value {
    &body["additionalModelRequestFields"]
}

/// Whether the model is to think: Claude's member, now and before, Nova's, and that of the open models.
fn thinks(body: &Value) -> bool {
    let fields = model_fields(body);
    let switched = ["thinking", "reasoning_config", "reasoningConfig"];
    switched.iter().any(|member| matches!(fields[*member]["type"].as_str(), Some("enabled" | "adaptive")))
        || fields["reasoning_effort"].as_str().is_some_and(|effort| effort != "none")
}

fn prompt(body: &Value) -> Prompt {
    let last = items(&body["messages"]).last().map(|message| items(&message["content"])).unwrap_or_default();
    let results = last.iter().filter_map(|block| block.get("toolResult"));
    let spoken = last_spoken(&body["messages"], "content");
    let config = &body["inferenceConfig"];
    let choice = &body["toolConfig"]["toolChoice"];
    let tools = items(&body["toolConfig"]["tools"]).iter().filter_map(|tool| tool.get("toolSpec"));
    let structure = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"];
    let of_model = model_fields(body)["output_config"]["format"].get("schema").cloned();
    Prompt {
        text: Dialect::Bedrock.last_words(body),
        tool_results: results.map(|result| words(&result["content"])).collect(),
        attachments: spoken.map(|message| attachments(&message["content"])).unwrap_or_default(),
        tools: tools
            .filter_map(|tool| {
                let parameters = tool["inputSchema"]["json"].clone();
                Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters })
            })
            .collect(),
        choice: match choice["tool"]["name"].as_str() {
            Some(name) => Choice::Named(name.to_owned()),
            None if choice.get("any").is_some() => Choice::Any,
            None => Choice::Auto,
        },
        parallel: model_fields(body)["tool_choice"]["disable_parallel_tool_use"] != true,
        cap: config["maxTokens"].as_u64(),
        stops: items(&config["stopSequences"]).iter().filter_map(|stop| stop.as_str().map(Into::into)).collect(),
        schema: structure.as_str().and_then(|schema| serde_json::from_str(schema).ok()).or(of_model),
        thinks: thinks(body),
        input_tokens: input_tokens(body),
    }
}

/// The words of a tool's result: its texts, its JSON, and what is attached in brackets.
fn words(content: &Value) -> String {
    let blocks = items(content).iter().filter_map(|block| match block.get("json") {
        Some(json) => Some(json.to_string()),
        None => block["text"].as_str().map(ToOwned::to_owned),
    });
    let attached = attachments(content).into_iter().map(|attachment| format!(" [{attachment}]"));
    blocks.collect::<Vec<_>>().join("\n") + &attached.collect::<String>()
}

fn attachments(content: &Value) -> Vec<String> {
    let attachment = |block: &Value| {
        let (kind, media) =
            ["image", "document", "audio", "video"].iter().find_map(|kind| Some((*kind, block.get(kind)?)))?;
        if let Some(uri) = media["source"]["s3Location"]["uri"].as_str() {
            return Some(uri.to_owned());
        }
        let family = if kind == "document" { "application" } else { kind };
        Some(format!("{family}/{}", media["format"].as_str().unwrap_or("octet-stream")))
    };
    items(content).iter().filter_map(attachment).collect()
}

fn input_tokens(body: &Value) -> u64 {
    let system = tokens(&text(&body["system"]));
    let messages = items(&body["messages"]).iter().map(|message| {
        let blocks =
            items(&message["content"]).iter().map(|block| match (block.get("toolUse"), block.get("toolResult")) {
                (Some(call), _) => tokens(&call["input"].to_string()),
                (_, Some(result)) => tokens(&words(&result["content"])),
                _ => 0,
            });
        let attached = attachments(&message["content"]).len() as u64 * TOKENS_PER_ATTACHMENT;
        TOKENS_PER_MESSAGE + tokens(&text(&message["content"])) + attached + blocks.sum::<u64>()
    });
    let tools = items(&body["toolConfig"]["tools"]).iter().filter_map(|tool| tool.get("toolSpec"));
    system + messages.chain(tools.map(|tool| tokens(&tool.to_string()))).sum::<u64>()
}

/// What was read from the cache or written to it is no part of `inputTokens`, but of `totalTokens`.
fn usage(call: &Call<'_>, body: &Value, prompt: &Prompt, reply: &Reply) -> Value {
    let cached = marked(body).map_or_else(
        || prompt.cached(),
        |(words, ttl)| {
            let length = tokens(&words).min(prompt.input_tokens);
            match ttl.as_str() {
                _ if call.provider.was_cached(words) => Cached { read: length, ..Cached::default() },
                "1h" => Cached { written_1h: length, ..Cached::default() },
                _ => Cached { written_5m: length, ..Cached::default() },
            }
        },
    );
    let Cached { read, written_5m, written_1h } = cached;
    let output = reply.output_tokens();
    let mut usage = json!({
        "inputTokens": prompt.input_tokens - read - written_5m - written_1h,
        "outputTokens": output,
        "totalTokens": prompt.input_tokens + output,
        "serverToolUsage": {},
    });
    if read + written_5m + written_1h > 0 {
        usage["cacheReadInputTokens"] = json!(read);
        usage["cacheWriteInputTokens"] = json!(written_5m + written_1h);
        let details = [("5m", written_5m), ("1h", written_1h)].into_iter().filter(|(_, count)| *count > 0);
        usage["cacheDetails"] = details.map(|(ttl, count)| json!({"ttl": ttl, "inputTokens": count})).collect();
    }
    usage
}

/// The words up to the last cache point, and how long it keeps them.
fn marked(body: &Value) -> Option<(String, String)> {
    let messages = items(&body["messages"]).iter().flat_map(|message| items(&message["content"]));
    let (mut words, mut marked) = (String::new(), None);
    for block in items(&body["system"]).iter().chain(messages) {
        words.push_str(block["text"].as_str().unwrap_or_default());
        if let Some(point) = block.get("cachePoint") {
            marked = Some((words.clone(), point["ttl"].as_str().unwrap_or("5m").to_owned()));
        }
    }
    marked
}

fn blocks(call: &Call<'_>, reply: &Reply) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thinking) = &reply.thinking {
        blocks.push(if reply.secret {
            json!({"reasoningContent": {"redactedContent": STANDARD.encode(signed::sealed("claude", thinking))}})
        } else {
            let signature = signed::signature("claude", thinking);
            json!({"reasoningContent": {"reasoningText": {"text": thinking, "signature": signature}}})
        });
    }
    if !reply.text.is_empty() {
        blocks.push(json!({"text": reply.text}));
    }
    blocks.extend(reply.calls.iter().enumerate().map(|(position, tool)| {
        let id = format!("tooluse_mock{:014}{position:04}", call.number);
        json!({"toolUse": {"toolUseId": id, "name": tool.name, "input": tool.arguments}})
    }));
    blocks
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.end {
        End::Natural => "end_turn",
        End::StopSequence(_) => "stop_sequence",
        End::Cap => "max_tokens",
        End::Calls => "tool_use",
        End::Refusal => "content_filtered",
    }
}

/// The stop sequence that was found, which Converse passes on only when its path is asked for.
fn additional_fields(body: &Value, reply: &Reply) -> Option<Value> {
    let asked = items(&body["additionalModelResponseFieldPaths"]).contains(&json!("/stop_sequence"));
    match &reply.end {
        End::StopSequence(stop) if asked => Some(json!({"stop_sequence": stop})),
        _ if asked => Some(json!({"stop_sequence": null})),
        _ => None,
    }
}
