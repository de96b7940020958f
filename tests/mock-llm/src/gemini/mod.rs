//! Google's API, as <https://ai.google.dev/api/generate-content> has it.

mod check;
pub(crate) mod error;
mod shapes;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::dialect::{Dialect, decoded, items, last_spoken, text};
use crate::provider::Call;
use crate::reply::{self, Choice, End, Prompt, Reply, TOKENS_PER_ATTACHMENT, TOKENS_PER_MESSAGE, Tool, tokens};
use crate::send::{Answer, Framing};
use crate::signed;

/// What a path asks for.
pub(crate) struct Operation {
    pub(crate) model: String,
    stream: bool,
}

/// The operation of a path such as `/v1beta/models/MODEL:generateContent`, or Vertex's longer one.
pub(crate) fn operation(path: &str) -> Option<Operation> {
    let (_, last) = path.split_once("/models/")?;
    let (model, method) = last.rsplit_once(':')?;
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    Some(Operation { model: decoded(model), stream })
}

/// `POST …:generateContent` and `POST …:streamGenerateContent`, the latter as events with `alt=sse` and as one JSON array without.
pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let Some(operation) = operation(call.uri.path()) else { return error::error(404, "Not Found") };
    let body = match check::admitted(call, &operation.model) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let prompt = prompt(&operation.model, &body);
    let reply = Reply::to(&prompt, call.script);
    let shape = Shape { call, model: &operation.model, body: &body, prompt: &prompt, reply: &reply };
    let answer = if !operation.stream {
        Answer::json(200, &shape.whole())
    } else if call.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse")) {
        Answer::stream(shape.chunks().iter().map(|chunk| Bytes::from(format!("data: {chunk}\r\n\r\n"))).collect())
    } else {
        Answer::framed(Framing::Array, "application/json; charset=UTF-8", array(&shape.chunks()))
    };
    let headers =
        vec![("server-timing", "gfet4t7; dur=42".to_owned()), ("x-gemini-service-tier", "standard".to_owned())];
    Answer { headers, ..answer }
}

fn array(chunks: &[Value]) -> Vec<Bytes> {
    let opening = ["["].into_iter().chain(std::iter::repeat(",\r\n"));
    let elements = opening.zip(chunks).map(|(before, chunk)| Bytes::from(format!("{before}{chunk}")));
    elements.chain([Bytes::from_static(b"]")]).collect()
}

fn prompt(model: &str, body: &Value) -> Prompt {
    let config = &body["generationConfig"];
    let contents = items(&body["contents"]);
    let last = contents.last().map(|content| items(&content["parts"])).unwrap_or_default();
    let results = last.iter().filter_map(|part| part.get("functionResponse"));
    let spoken = last_spoken(&body["contents"], "parts");
    let declared = items(&body["tools"]).iter().flat_map(|tool| items(&tool["functionDeclarations"]));
    let calling = &body["toolConfig"]["functionCallingConfig"];
    let thinking = &config["thinkingConfig"];
    let is_json = config["responseMimeType"] == "application/json";
    let schema =
        ["responseSchema", "responseJsonSchema", "_responseJsonSchema"].iter().find_map(|member| config.get(member));
    Prompt {
        text: Dialect::Gemini.last_words(body),
        tool_results: results.map(result).collect(),
        attachments: spoken.map(|content| attachments(&content["parts"])).unwrap_or_default(),
        tools: declared
            .filter_map(|tool| {
                let parameters = tool.get("parameters").or(tool.get("parametersJsonSchema"));
                Some(Tool {
                    name: tool["name"].as_str()?.to_owned(),
                    parameters: lower_types(parameters.unwrap_or(&Value::Null)),
                })
            })
            .collect(),
        choice: match calling["mode"].as_str().map(str::to_uppercase).as_deref() {
            Some("NONE") => Choice::None,
            Some("ANY") => match items(&calling["allowedFunctionNames"]) {
                [only] => Choice::Named(only.as_str().unwrap_or_default().to_owned()),
                _ => Choice::Any,
            },
            _ => Choice::Auto,
        },
        parallel: true,
        cap: config["maxOutputTokens"].as_u64(),
        stops: items(&config["stopSequences"]).iter().filter_map(|stop| stop.as_str().map(Into::into)).collect(),
        schema: is_json.then(|| schema.map_or_else(|| json!({"type": "object"}), lower_types)),
        thinks: thinking.is_object() && thinking["thinkingBudget"] != 0 || check::always_thinks(model),
        input_tokens: input_tokens(body),
    }
}

/// The words of a result: an object with one string is that string.
fn result(response: &Value) -> String {
    let answer = &response["response"];
    let only =
        answer.as_object().filter(|members| members.len() == 1).and_then(|members| members.values().next()?.as_str());
    let attached = attachments(&response["parts"]).into_iter().map(|attachment| format!(" [{attachment}]"));
    only.map_or_else(|| answer.to_string(), ToOwned::to_owned) + &attached.collect::<String>()
}

fn attachments(parts: &Value) -> Vec<String> {
    let attachment =
        |part: &Value| part["inlineData"]["mimeType"].as_str().or(part["fileData"]["fileUri"].as_str()).map(Into::into);
    items(parts).iter().filter_map(attachment).collect()
}

/// A schema whose types are written small, as JSON Schema has them and Google's enumeration has not.
fn lower_types(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| match member.as_str() {
                Some(kind) if name == "type" => (name.clone(), json!(kind.to_lowercase())),
                _ => (name.clone(), lower_types(member)),
            })
            .collect(),
        Value::Array(list) => list.iter().map(lower_types).collect(),
        other => other.clone(),
    }
}

fn input_tokens(body: &Value) -> u64 {
    let contents = items(&body["contents"]).iter().chain(body.get("systemInstruction")).map(|content| {
        let parts = items(&content["parts"]).iter().map(|part| {
            match part.get("functionCall").or(part.get("functionResponse")) {
                Some(function) => tokens(&function["args"].to_string()) + tokens(&function["response"].to_string()),
                None => 0,
            }
        });
        let attached = attachments(&content["parts"]).len() as u64 * TOKENS_PER_ATTACHMENT;
        TOKENS_PER_MESSAGE + tokens(&text(&content["parts"])) + attached + parts.sum::<u64>()
    });
    let tools = items(&body["tools"]).iter().flat_map(|tool| items(&tool["functionDeclarations"]));
    contents.chain(tools.map(|tool| tokens(&tool.to_string()))).sum()
}

/// An answer, as the one or many responses of Google's.
struct Shape<'a> {
    call: &'a Call<'a>,
    model: &'a str,
    body: &'a Value,
    prompt: &'a Prompt,
    reply: &'a Reply,
}

impl Shape<'_> {
    fn whole(&self) -> Value {
        let mut parts = self.thoughts().into_iter().collect::<Vec<_>>();
        if self.reply.calls.is_empty() {
            let mut part = json!({"text": self.reply.text});
            if self.reply.thinking.is_some() && self.signs_text() {
                part["thoughtSignature"] = json!(signed::sealed("gemini", &self.reply.text));
            }
            parts.push(part);
        }
        parts.extend(self.calls());
        let count = self.body["generationConfig"]["candidateCount"].as_u64().unwrap_or(1);
        let candidates = (0..count).map(|index| self.candidate(index, &parts, true));
        self.response(candidates.collect(), self.reply.output_tokens() - self.reply.reasoning_tokens())
    }

    /// Each has the usage so far: input and thoughts from the first on, the candidates' growing.
    fn chunks(&self) -> Vec<Value> {
        let mut parts = Vec::new();
        if let Some(thoughts) = self.thoughts() {
            parts.push((thoughts, 0));
        }
        parts.extend(reply::pieces(&self.reply.text).map(|piece| (json!({"text": piece}), tokens(piece))));
        parts.extend(self.calls().map(|part| (part.clone(), tokens(&part["functionCall"].to_string()))));
        if self.reply.thinking.is_some() && self.reply.calls.is_empty() && self.signs_text() {
            let seal = signed::sealed("gemini", "");
            parts.push((json!({"text": "", "thoughtSignature": seal}), 0));
        }
        if parts.is_empty() {
            parts.push((json!({"text": ""}), 0));
        }
        let total = self.reply.output_tokens() - self.reply.reasoning_tokens();
        let last = parts.len() - 1;
        let mut so_far = 0;
        let chunk = |(index, (part, cost)): (usize, (Value, u64))| {
            so_far = if index == last { total } else { (so_far + cost).min(total) };
            self.response(json!([self.candidate(0, &[part], index == last)]), so_far)
        };
        parts.into_iter().enumerate().map(chunk).collect()
    }

    /// A summary of the thinking, which the caller has to ask for.
    fn thoughts(&self) -> Option<Value> {
        let asked = self.body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true && !self.reply.secret;
        let thinking = self.reply.thinking.as_ref().filter(|_| asked)?;
        Some(json!({"text": thinking, "thought": true}))
    }

    /// The calls. The first of them carries the signature of the thinking that led to all
    /// (<https://ai.google.dev/gemini-api/docs/thought-signatures>); later models give each an id.
    fn calls(&self) -> impl Iterator<Item = Value> {
        let thinks = self.reply.thinking.is_some();
        let with_ids = check::always_thinks(self.model);
        self.reply.calls.iter().enumerate().map(move |(position, call)| {
            let mut part = json!({"functionCall": {"name": call.name, "args": call.arguments}});
            if with_ids {
                part["functionCall"]["id"] = json!(format!("mock{:04}{position}", self.call.number));
            }
            if thinks && position == 0 {
                part["thoughtSignature"] = json!(check::signature(&part["functionCall"]));
            }
            part
        })
    }

    fn signs_text(&self) -> bool {
        check::always_thinks(self.model)
    }

    fn candidate(&self, index: u64, parts: &[Value], last: bool) -> Value {
        let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": index});
        if !last {
            return candidate;
        }
        candidate["finishReason"] = json!(match self.reply.end {
            End::Natural | End::StopSequence(_) | End::Calls => "STOP",
            End::Cap => "MAX_TOKENS",
            End::Refusal => "SAFETY",
        });
        if self.reply.end == End::Calls {
            candidate["finishMessage"] = json!("Model generated function call(s).");
        }
        if self.reply.refused {
            candidate["content"] = json!({});
            let rating = json!({"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true});
            candidate["safetyRatings"] = json!([rating]);
        }
        candidate
    }

    fn response(&self, candidates: Value, output: u64) -> Value {
        let mut response = json!({
            "candidates": candidates,
            "modelVersion": self.model,
            "responseId": format!("mock{:018}", self.call.number),
        });
        if !self.call.script.no_usage {
            response["usageMetadata"] = self.call.script.usage.clone().unwrap_or_else(|| self.usage(output));
        }
        response
    }

    /// Thoughts are no part of the candidates' count; what was cached is a part of the prompt's.
    fn usage(&self, output: u64) -> Value {
        let (input, thoughts) = (self.prompt.input_tokens, self.reply.reasoning_tokens());
        let mut usage = json!({
            "promptTokenCount": input,
            "totalTokenCount": input + output + thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": input}],
        });
        let cached = self.prompt.cached().read;
        // A count of zero is left out, as JSON of protocol buffers does.
        for (name, count) in
            [("candidatesTokenCount", output), ("thoughtsTokenCount", thoughts), ("cachedContentTokenCount", cached)]
        {
            if count > 0 {
                usage[name] = json!(count);
            }
        }
        if cached > 0 {
            usage["cacheTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": cached}]);
        }
        usage
    }
}
