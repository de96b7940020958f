//! `POST /v1/completions` (<https://platform.openai.com/docs/api-reference/completions>): text in, text out.

use bytes::Bytes;
use serde_json::{Value, json};

use super::rules::{self, invalid};
use super::{error, shapes};
use crate::dialect::items;
use crate::provider::Call;
use crate::reply::{self, End, Prompt, Reply, tokens};
use crate::send::Answer;

/// How much is said when the caller sets no cap. It is little, and it is the vendor's.
const DEFAULT_CAP: u64 = 16;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let body = match super::admitted(call) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = check(&body).err().filter(|_| !call.is_lenient()) {
        return refusal;
    }
    let prompts = prompts(&body);
    let replies: Vec<Reply> = prompts.iter().map(|prompt| Reply::to(prompt, call.script)).collect();
    let choices: Vec<Choice<'_>> = prompts.iter().zip(&replies).flat_map(|pair| choices(&body, pair)).collect();
    let usage = call.script.usage.clone().unwrap_or_else(|| usage(&prompts, &choices));
    let answer = if body["stream"] == true {
        let asked = body["stream_options"]["include_usage"] == true;
        Answer::stream(stream(call, &body, &choices, asked.then_some(usage)))
    } else {
        let choices = choices.iter().enumerate().map(|(index, choice)| {
            let text = format!("{}{}", choice.echo, choice.reply.text);
            json!({"text": text, "index": index, "logprobs": logprobs(&body, &text), "finish_reason": choice.finish_reason()})
        });
        let mut answer = envelope(call, &body, &choices.collect());
        if !call.script.no_usage {
            answer["usage"] = usage;
        }
        Answer::json(200, &answer)
    };
    Answer { headers: super::headers(call), ..answer }
}

fn check(body: &Value) -> Result<(), Answer> {
    rules::shaped(body, &shapes::COMPLETIONS)?;
    rules::ranges(body)?;
    if !body["stream_options"].is_null() && body["stream"] != true {
        return Err(error(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled."));
    }
    let list = items(&body["prompt"]);
    let ids = |list: &[Value]| list.iter().all(Value::is_u64);
    if !(list.iter().all(Value::is_string)
        || ids(list)
        || list.iter().all(|ids_of_one| ids_of_one.is_array() && ids(items(ids_of_one))))
    {
        return Err(invalid(
            "prompt",
            "Invalid type for 'prompt': expected a string, an array of strings or of tokens.",
        ));
    }
    if body["prompt"].is_array() && list.is_empty() {
        return Err(invalid("prompt", "Invalid 'prompt': empty array. Expected an array with minimum length 1."));
    }
    if body["best_of"].as_u64().is_some_and(|best_of| best_of < body["n"].as_u64().unwrap_or(1)) {
        return Err(invalid(
            "best_of",
            "You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently 1) to be at most 'best_of').",
        ));
    }
    if body["logprobs"].as_u64().is_some_and(|logprobs| logprobs > 5) {
        return Err(invalid("logprobs", "Invalid value for 'logprobs': Maximum value is 5."));
    }
    Ok(())
}

fn prompts(body: &Value) -> Vec<Prompt> {
    let texts: Vec<String> = match &body["prompt"] {
        Value::Array(list) if list.iter().any(|prompt| !prompt.is_number()) => {
            list.iter().map(|prompt| prompt.as_str().map_or_else(|| prompt.to_string(), ToOwned::to_owned)).collect()
        }
        Value::String(text) => vec![text.clone()],
        ids => vec![ids.to_string()],
    };
    let stops: Vec<String> = match &body["stop"] {
        Value::String(stop) => vec![stop.clone()],
        stops => items(stops).iter().filter_map(|stop| stop.as_str().map(Into::into)).collect(),
    };
    let prompt = |text: String| Prompt {
        input_tokens: tokens(&text),
        text,
        cap: Some(body["max_tokens"].as_u64().unwrap_or(DEFAULT_CAP)),
        stops: stops.clone(),
        ..Prompt::default()
    };
    texts.into_iter().map(prompt).collect()
}

/// One of the answers: `n` for each prompt.
struct Choice<'a> {
    /// The prompt once more, when the caller wants to see it.
    echo: &'a str,
    reply: &'a Reply,
}

fn choices<'a>(body: &Value, (prompt, reply): (&'a Prompt, &'a Reply)) -> impl Iterator<Item = Choice<'a>> + use<'a> {
    let echo = if body["echo"] == true { prompt.text.as_str() } else { "" };
    (0..body["n"].as_u64().unwrap_or(1)).map(move |_| Choice { echo, reply })
}

impl Choice<'_> {
    fn finish_reason(&self) -> &'static str {
        if self.reply.end == End::Cap { "length" } else { "stop" }
    }
}

fn usage(prompts: &[Prompt], choices: &[Choice<'_>]) -> Value {
    let input: u64 = prompts.iter().map(|prompt| prompt.input_tokens).sum();
    let cached: u64 = prompts.iter().map(|prompt| prompt.cached().read).sum();
    let output: u64 = choices.iter().map(|choice| choice.reply.output_tokens()).sum();
    let mut usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    if cached > 0 {
        usage["prompt_tokens_details"] = json!({"cached_tokens": cached, "audio_tokens": 0});
    }
    usage
}

/// Logarithms of probabilities: every piece is certain.
fn logprobs(body: &Value, text: &str) -> Value {
    if body["logprobs"].is_null() {
        return Value::Null;
    }
    let pieces: Vec<&str> = reply::pieces(text).collect();
    let offsets = pieces.iter().scan(0, |offset, piece| {
        let start = *offset;
        *offset += piece.chars().count();
        Some(start)
    });
    json!({
        "tokens": pieces,
        "token_logprobs": pieces.iter().map(|_| 0.0).collect::<Vec<_>>(),
        "top_logprobs": pieces.iter().map(|piece| json!({*piece: 0.0})).collect::<Vec<_>>(),
        "text_offset": offsets.collect::<Vec<_>>(),
    })
}

fn envelope(call: &Call<'_>, body: &Value, choices: &Value) -> Value {
    json!({
        "id": format!("cmpl-mock{:016}", call.number),
        "object": "text_completion",
        "created": call.created(),
        "model": body["model"],
        "choices": choices,
    })
}

/// Whole answers and the parts of a stream have the same shape; with `usage` asked for, as in a chat's stream.
fn stream(call: &Call<'_>, body: &Value, choices: &[Choice<'_>], usage: Option<Value>) -> Vec<Bytes> {
    let chunk = |choices: Value, known: Value| {
        let mut chunk = envelope(call, body, &choices);
        if usage.is_some() && !call.script.no_usage {
            chunk["usage"] = known;
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let mut events = Vec::new();
    for (index, choice) in choices.iter().enumerate() {
        let mut push = |text: &str, finish: Value| {
            let part = json!({"text": text, "index": index, "logprobs": logprobs(body, text), "finish_reason": finish});
            events.push(chunk(json!([part]), Value::Null));
        };
        for piece in reply::pieces(choice.echo).chain(reply::pieces(&choice.reply.text)) {
            push(piece, Value::Null);
        }
        push("", json!(choice.finish_reason()));
    }
    if let Some(usage) = usage.clone().filter(|_| !call.script.no_usage) {
        events.push(chunk(json!([]), usage));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}
