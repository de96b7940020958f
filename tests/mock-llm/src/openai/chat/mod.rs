//! `POST /v1/chat/completions`.

mod check;

use bytes::Bytes;
use serde_json::{Value, json};

use super::rules;
use crate::dialect::{Dialect, text};
use crate::provider::Call;
use crate::reply::{self, Choice, End, Prompt, Reply, TOKENS_PER_ATTACHMENT, TOKENS_PER_MESSAGE, Tool, tokens};
use crate::send::Answer;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let body = match super::admitted(call) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = check::check(&body).err().filter(|_| !call.is_lenient()) {
        return refusal;
    }
    let prompt = prompt(&body);
    let reply = Reply::to(&prompt, call.script);
    let mut usage = usage(&prompt, &reply);
    if let Some(scripted) = &call.script.usage {
        usage = scripted.clone();
    }
    let answer = if body["stream"] == true {
        let asked = body["stream_options"]["include_usage"] == true;
        Answer::stream(stream(call, &body, &reply, asked.then_some(usage)))
    } else {
        Answer::json(200, &whole(call, &body, &reply, usage))
    };
    Answer { headers: super::headers(call), ..answer }
}

fn prompt(body: &Value) -> Prompt {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let results = messages.iter().rev().take_while(|message| message["role"] == "tool");
    let mut tool_results: Vec<String> = results.map(|message| text(&message["content"])).collect();
    tool_results.reverse();
    let last_user = messages.iter().rev().find(|message| message["role"] == "user");
    let definitions = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let choice = &body["tool_choice"];
    Prompt {
        text: Dialect::Openai.last_words(body),
        tool_results,
        attachments: last_user.map(|message| attachments(&message["content"])).unwrap_or_default(),
        tools: definitions
            .iter()
            .filter_map(|tool| {
                let name = tool["function"]["name"].as_str()?.to_owned();
                Some(Tool { name, parameters: tool["function"]["parameters"].clone() })
            })
            .collect(),
        choice: match choice.as_str() {
            Some("none") => Choice::None,
            Some("required") => Choice::Any,
            _ => choice["function"]["name"].as_str().map_or(Choice::Auto, |name| Choice::Named(name.into())),
        },
        parallel: body["parallel_tool_calls"] != false,
        cap: body["max_completion_tokens"].as_u64().or(body["max_tokens"].as_u64()),
        stops: match &body["stop"] {
            Value::String(stop) => vec![stop.clone()],
            stops => stops.as_array().into_iter().flatten().filter_map(|stop| stop.as_str().map(Into::into)).collect(),
        },
        schema: match body["response_format"]["type"].as_str() {
            Some("json_schema") => Some(body["response_format"]["json_schema"]["schema"].clone()),
            Some("json_object") => Some(json!({"type": "object"})),
            _ => None,
        },
        thinks: body["reasoning_effort"].as_str().is_some_and(|effort| effort != "none"),
        input_tokens: input_tokens(messages, definitions),
    }
}

fn attachments(content: &Value) -> Vec<String> {
    let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let attachment = |part: &Value| match part["type"].as_str()? {
        "image_url" => Some(rules::attachment(part["image_url"]["url"].as_str()?)),
        "input_audio" => Some(format!("audio/{}", part["input_audio"]["format"].as_str()?)),
        "file" => Some(rules::attachment(part["file"]["file_data"].as_str().or(part["file"]["file_id"].as_str())?)),
        _ => None,
    };
    parts.iter().filter_map(attachment).collect()
}

fn input_tokens(messages: &[Value], tools: &[Value]) -> u64 {
    let messages = messages.iter().map(|message| {
        let calls =
            message["tool_calls"].as_array().into_iter().flatten().map(|call| tokens(&call["function"].to_string()));
        let attached = attachments(&message["content"]).len() as u64 * TOKENS_PER_ATTACHMENT;
        TOKENS_PER_MESSAGE + tokens(&text(&message["content"])) + attached + calls.sum::<u64>()
    });
    let tools = tools.iter().map(|tool| tokens(&tool.to_string()));
    messages.chain(tools).sum()
}

fn usage(prompt: &Prompt, reply: &Reply) -> Value {
    let output = reply.output_tokens();
    json!({
        "prompt_tokens": prompt.input_tokens,
        "completion_tokens": output,
        "total_tokens": prompt.input_tokens + output,
        "prompt_tokens_details": {"cached_tokens": prompt.cached().read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reply.reasoning_tokens(),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.end {
        End::Natural | End::StopSequence(_) | End::Refusal => "stop",
        End::Cap => "length",
        End::Calls => "tool_calls",
    }
}

/// OpenAI keeps the words of its thinking to itself; DeepSeek shows them
/// (<https://api-docs.deepseek.com/guides/thinking_mode>), and so do models here that have its name.
fn shows_thinking(body: &Value) -> bool {
    body["model"].as_str().is_some_and(|model| model.contains("deepseek"))
}

fn call_id(call: &Call<'_>, position: usize) -> String {
    format!("call_mock{:012}{position:04}", call.number)
}

fn whole(call: &Call<'_>, body: &Value, reply: &Reply, usage: Value) -> Value {
    let mut message = json!({"role": "assistant", "content": reply.text, "refusal": null, "annotations": []});
    if reply.refused {
        message["content"] = Value::Null;
        message["refusal"] = json!(reply.text);
    }
    if !reply.calls.is_empty() {
        message["content"] = Value::Null;
        message["tool_calls"] = reply
            .calls
            .iter()
            .enumerate()
            .map(|(position, tool)| {
                let function = json!({"name": tool.name, "arguments": tool.arguments.to_string()});
                json!({"id": call_id(call, position), "type": "function", "function": function})
            })
            .collect();
    }
    if let Some(thinking) = reply.thinking.as_ref().filter(|_| shows_thinking(body)) {
        message["reasoning_content"] = json!(thinking);
    }
    let count = body["n"].as_u64().unwrap_or(1);
    let choices = (0..count).map(
        |index| json!({"index": index, "message": message, "logprobs": null, "finish_reason": finish_reason(reply)}),
    );
    let mut answer = json!({
        "id": format!("chatcmpl-mock{:016}", call.number),
        "object": "chat.completion",
        "created": call.created(),
        "model": body["model"],
        "choices": choices.collect::<Vec<_>>(),
        "service_tier": "default",
        "system_fingerprint": "fp_mock000000",
    });
    if !call.script.no_usage {
        answer["usage"] = usage;
    }
    answer
}

/// The events, `usage` being what the caller asked for: then each chunk has the member, `null` until a last chunk without choices.
fn stream(call: &Call<'_>, body: &Value, reply: &Reply, usage: Option<Value>) -> Vec<Bytes> {
    let chunk = |choices: Value, known: Value| {
        let mut chunk = json!({
            "id": format!("chatcmpl-mock{:016}", call.number),
            "object": "chat.completion.chunk",
            "created": call.created(),
            "model": body["model"],
            "service_tier": "default",
            "system_fingerprint": "fp_mock000000",
            "choices": choices,
        });
        if usage.is_some() && !call.script.no_usage {
            chunk["usage"] = known;
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let mut events = Vec::new();
    for index in 0..body["n"].as_u64().unwrap_or(1) {
        let mut push = |delta: Value, finish: Value| {
            let choice = json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish});
            events.push(chunk(json!([choice]), Value::Null));
        };
        let opening = if reply.calls.is_empty() { json!("") } else { Value::Null };
        push(json!({"role": "assistant", "content": opening, "refusal": null}), Value::Null);
        if let Some(thinking) = reply.thinking.as_ref().filter(|_| shows_thinking(body)) {
            for piece in reply::pieces(thinking) {
                push(json!({"reasoning_content": piece}), Value::Null);
            }
        }
        let member = if reply.refused { "refusal" } else { "content" };
        for piece in reply::pieces(&reply.text) {
            push(json!({member: piece}), Value::Null);
        }
        for (position, tool) in reply.calls.iter().enumerate() {
            let function = json!({"name": tool.name, "arguments": ""});
            let id = call_id(call, position);
            let opening = json!({"index": position, "id": id, "type": "function", "function": function});
            push(json!({"tool_calls": [opening]}), Value::Null);
            for half in reply::halves(&tool.arguments.to_string()) {
                push(json!({"tool_calls": [{"index": position, "function": {"arguments": half}}]}), Value::Null);
            }
        }
        push(json!({}), json!(finish_reason(reply)));
    }
    if let Some(usage) = usage.clone().filter(|_| !call.script.no_usage) {
        events.push(chunk(json!([]), usage));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}
