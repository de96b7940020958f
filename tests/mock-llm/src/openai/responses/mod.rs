//! `POST /v1/responses` (<https://platform.openai.com/docs/api-reference/responses>).

mod check;
mod stream;

use bytes::Bytes;
use serde_json::{Value, json};

use super::rules::attachment;
use crate::dialect::{Dialect, items, last_spoken, text};
use crate::provider::Call;
use crate::reply::{Choice, End, Prompt, Reply, TOKENS_PER_ATTACHMENT, TOKENS_PER_MESSAGE, Tool, tokens};
use crate::send::Answer;
use crate::signed;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let body = match super::admitted(call).and_then(|body| check::checked(call, body)) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let prompt = prompt(&body);
    let reply = Reply::to(&prompt, call.script);
    let output = output(call, &body, &reply);
    remember(call, &body, &output);
    let usage = call.script.usage.clone().unwrap_or_else(|| usage(&prompt, &reply));
    let response = ended(call, &body, &reply, &output, usage);
    let answer = if body["stream"] == true {
        Answer::stream(stream::events(&opened(call, &body), &output, &response))
    } else {
        Answer::json(200, &response)
    };
    Answer { headers: super::headers(call), ..answer }
}

/// With what a stream breaks off: an event `error`, or `response.failed` with the response that began.
pub(crate) fn midway_error(sent: &[Bytes], failed: bool) -> Value {
    let message = "The server had an error processing your request. Sorry about that!";
    let number = sent.len();
    if !failed {
        // Not as OpenAI's reference has it, without an inner object, but as recorded streams do.
        let error = json!({"type": "server_error", "code": "server_error", "message": message, "param": null});
        return json!({"type": "error", "sequence_number": number, "error": error});
    }
    let first = sent.first().map(|event| String::from_utf8_lossy(event).into_owned()).unwrap_or_default();
    let data = first.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
    let mut response = serde_json::from_str::<Value>(data).map(|event| event["response"].clone()).unwrap_or_default();
    response["status"] = json!("failed");
    response["error"] = json!({"code": "server_error", "message": message});
    json!({"type": "response.failed", "response": response, "sequence_number": number})
}

fn prompt(body: &Value) -> Prompt {
    let input = items(&body["input"]);
    let results = input.iter().rev().take_while(|item| item["type"] == "function_call_output");
    let mut tool_results: Vec<String> = results.map(|item| result(&item["output"])).collect();
    tool_results.reverse();
    let tools = items(&body["tools"]);
    let reasoning = &body["reasoning"];
    let format = &body["text"]["format"];
    Prompt {
        text: Dialect::Responses.last_words(body),
        tool_results,
        attachments: last_spoken(&body["input"], "content")
            .map(|turn| attachments(&turn["content"]))
            .unwrap_or_default(),
        tools: tools
            .iter()
            .filter(|tool| tool["type"] == "function")
            .filter_map(|tool| {
                Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters: tool["parameters"].clone() })
            })
            .collect(),
        choice: match &body["tool_choice"] {
            Value::String(choice) if choice == "none" => Choice::None,
            Value::String(choice) if choice == "required" => Choice::Any,
            choice if choice["mode"] == "required" => Choice::Any,
            choice => choice["name"].as_str().map_or(Choice::Auto, |name| Choice::Named(name.into())),
        },
        parallel: body["parallel_tool_calls"] != false,
        cap: body["max_output_tokens"].as_u64(),
        schema: match format["type"].as_str() {
            Some("json_schema") => Some(format["schema"].clone()),
            Some("json_object") => Some(json!({"type": "object"})),
            _ => None,
        },
        thinks: reasoning["effort"].as_str().map_or(reasoning["summary"].is_string(), |effort| effort != "none"),
        input_tokens: input_tokens(body, input, tools),
        ..Prompt::default()
    }
}

fn result(output: &Value) -> String {
    let attached = attachments(output).into_iter().map(|attachment| format!(" [{attachment}]"));
    text(output) + &attached.collect::<String>()
}

fn attachments(content: &Value) -> Vec<String> {
    let members = ["image_url", "file_data", "file_url", "file_id"];
    let address = |part: &Value| members.iter().find_map(|member| part[*member].as_str()).map(attachment);
    items(content).iter().filter_map(address).collect()
}

fn input_tokens(body: &Value, input: &[Value], tools: &[Value]) -> u64 {
    let instructions = body["instructions"].as_str().map_or(0, |words| TOKENS_PER_MESSAGE + tokens(words));
    let input = input.iter().map(|item| match item["type"].as_str() {
        Some("function_call") => tokens(&item["arguments"].to_string()),
        Some("function_call_output") => TOKENS_PER_MESSAGE + tokens(&result(&item["output"])),
        Some("reasoning") => tokens(&text(&item["summary"])),
        _ => {
            let content = &item["content"];
            TOKENS_PER_MESSAGE + tokens(&text(content)) + attachments(content).len() as u64 * TOKENS_PER_ATTACHMENT
        }
    });
    instructions + input.chain(tools.iter().map(|tool| tokens(&tool.to_string()))).sum::<u64>()
}

/// Input figures include what was cached, output figures what was thought.
fn usage(prompt: &Prompt, reply: &Reply) -> Value {
    let output = reply.output_tokens();
    json!({
        "input_tokens": prompt.input_tokens,
        "input_tokens_details": {"cached_tokens": prompt.cached().read, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens()},
        "total_tokens": prompt.input_tokens + output,
    })
}

fn output(call: &Call<'_>, body: &Value, reply: &Reply) -> Vec<Value> {
    let number = call.number;
    let ending = if reply.end == End::Cap { "incomplete" } else { "completed" };
    let mut output = Vec::new();
    if let Some(thinking) = &reply.thinking {
        let id = format!("rs_mock{number:044}");
        let shown = body["reasoning"]["summary"].is_string() && !reply.secret;
        let summary = if shown { json!([{"type": "summary_text", "text": thinking}]) } else { json!([]) };
        let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
        if items(&body["include"]).contains(&json!("reasoning.encrypted_content")) {
            item["encrypted_content"] = json!(sealed(&id, thinking));
        }
        output.push(item);
    }
    if reply.calls.is_empty() {
        let part = if reply.refused {
            json!({"type": "refusal", "refusal": reply.text})
        } else {
            json!({"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []})
        };
        let id = format!("msg_mock{number:043}");
        output.push(json!({"id": id, "type": "message", "status": ending, "role": "assistant", "content": [part]}));
    }
    for (position, tool) in reply.calls.iter().enumerate() {
        output.push(json!({
            "id": format!("fc_mock{number:040}{position:04}"),
            "type": "function_call",
            "status": "completed",
            "arguments": tool.arguments.to_string(),
            "call_id": format!("call_mock{number:012}{position:04}"),
            "name": tool.name,
        }));
    }
    output
}

/// The vendor's seal holds an item's id, so that no other item can carry it.
fn sealed(id: &str, thinking: &str) -> String {
    signed::sealed("openai", &format!("{id}\n{thinking}"))
}

/// Keeps what the vendor keeps unless it is told not to: the conversation, and each item by its id.
fn remember(call: &Call<'_>, body: &Value, output: &[Value]) {
    if body["store"] == false {
        return;
    }
    let conversation = items(&body["input"]).iter().chain(output).cloned().collect();
    call.provider.store(id(call), conversation);
    for item in output {
        call.provider.store(item["id"].as_str().unwrap_or_default().to_owned(), vec![item.clone()]);
    }
}

fn id(call: &Call<'_>) -> String {
    format!("resp_mock{:044}", call.number)
}

/// The response as the first events of a stream have it.
fn opened(call: &Call<'_>, body: &Value) -> Value {
    let given = |name: &str, default: Value| if body[name].is_null() { default } else { body[name].clone() };
    let reasoning = json!({"effort": body["reasoning"]["effort"], "summary": body["reasoning"]["summary"]});
    let format =
        if body["text"]["format"].is_null() { json!({"type": "text"}) } else { body["text"]["format"].clone() };
    let verbosity = body["text"]["verbosity"].as_str().unwrap_or("medium");
    let tools = items(&body["tools"]).iter().map(|tool| {
        let mut tool = tool.clone();
        if tool["type"] == "function" && tool["strict"].is_null() {
            tool["strict"] = json!(true);
        }
        tool
    });
    json!({
        "id": id(call),
        "object": "response",
        "created_at": call.created(),
        "status": "in_progress",
        "background": false,
        "completed_at": null,
        "error": null,
        "frequency_penalty": 0.0,
        "incomplete_details": null,
        "instructions": body["instructions"],
        "max_output_tokens": body["max_output_tokens"],
        "max_tool_calls": body["max_tool_calls"],
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": given("parallel_tool_calls", json!(true)),
        "presence_penalty": 0.0,
        "previous_response_id": body["previous_response_id"],
        "prompt_cache_key": body["prompt_cache_key"],
        "prompt_cache_retention": body["prompt_cache_retention"],
        "reasoning": reasoning,
        "safety_identifier": body["safety_identifier"],
        "service_tier": given("service_tier", json!("auto")),
        "store": given("store", json!(true)),
        "temperature": given("temperature", json!(1.0)),
        "text": {"format": format, "verbosity": verbosity},
        "tool_choice": given("tool_choice", json!("auto")),
        "tools": tools.collect::<Vec<_>>(),
        "top_logprobs": given("top_logprobs", json!(0)),
        "top_p": given("top_p", json!(1.0)),
        "truncation": given("truncation", json!("disabled")),
        "usage": null,
        "user": body["user"],
        "metadata": given("metadata", json!({})),
    })
}

/// The response as it ended: `completed`, or `incomplete` at the cap.
fn ended(call: &Call<'_>, body: &Value, reply: &Reply, output: &[Value], usage: Value) -> Value {
    let mut response = opened(call, body);
    response["output"] = json!(output);
    response["service_tier"] = json!("default");
    if reply.end == End::Cap {
        response["status"] = json!("incomplete");
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    } else {
        response["status"] = json!("completed");
        response["completed_at"] = json!(call.created() + 1);
    }
    if !call.script.no_usage {
        response["usage"] = usage;
    }
    response
}
