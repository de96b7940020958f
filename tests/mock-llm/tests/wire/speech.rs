//! One small client for every dialect: the same question, and the same answer read back.

use mock_llm::Mock;
use serde_json::{Value, json};

use crate::events;

/// A dialect with one operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Speech {
    Chat,
    Responses,
    Completions,
    Anthropic,
    Gemini,
    Bedrock,
}

use Speech::{Anthropic, Bedrock, Chat, Completions, Gemini, Responses};

pub(crate) const ALL: [Speech; 6] = [Chat, Responses, Completions, Anthropic, Gemini, Bedrock];
/// Those that know of turns, tools and images.
pub(crate) const TURNS: [Speech; 5] = [Chat, Responses, Anthropic, Gemini, Bedrock];

pub(crate) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

impl Speech {
    /// A request with this prompt.
    pub(crate) fn ask(self, prompt: &str) -> Value {
        match self {
            Chat => json!({"model": "m", "messages": [{"role": "user", "content": prompt}]}),
            Responses => json!({"model": "m", "input": [{"role": "user", "content": prompt}]}),
            Completions => json!({"model": "m", "max_tokens": 1000, "prompt": prompt}),
            Anthropic => json!({"model": "m", "max_tokens": 4000, "messages": [{"role": "user", "content": prompt}]}),
            Gemini => json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}),
            Bedrock => json!({"messages": [{"role": "user", "content": [{"text": prompt}]}]}),
        }
    }

    /// A request with this prompt and an image.
    pub(crate) fn show(self, prompt: &str) -> Value {
        let mut body = self.ask(prompt);
        let url = format!("data:image/png;base64,{PIXEL}");
        match self {
            Chat => {
                let image = json!({"type": "image_url", "image_url": {"url": url}});
                body["messages"][0]["content"] = json!([{"type": "text", "text": prompt}, image]);
            }
            Responses => {
                let image = json!({"type": "input_image", "image_url": url});
                body["input"][0]["content"] = json!([{"type": "input_text", "text": prompt}, image]);
            }
            Anthropic => {
                let source = json!({"type": "base64", "media_type": "image/png", "data": PIXEL});
                let image = json!({"type": "image", "source": source});
                body["messages"][0]["content"] = json!([{"type": "text", "text": prompt}, image]);
            }
            Gemini => {
                let image = json!({"inlineData": {"mimeType": "image/png", "data": PIXEL}});
                body["contents"][0]["parts"] = json!([{"text": prompt}, image]);
            }
            Bedrock => {
                let image = json!({"image": {"format": "png", "source": {"bytes": PIXEL}}});
                body["messages"][0]["content"] = json!([{"text": prompt}, image]);
            }
            Completions => {}
        }
        body
    }

    /// Adds the tool `weather`, which takes a city.
    pub(crate) fn with_tool(self, mut body: Value) -> Value {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        let function = json!({"name": "weather", "description": "d", "parameters": schema});
        match self {
            Chat => body["tools"] = json!([{"type": "function", "function": function}]),
            Responses => body["tools"] = json!([{"type": "function", "name": "weather", "parameters": schema}]),
            Anthropic => body["tools"] = json!([{"name": "weather", "input_schema": schema}]),
            Gemini => body["tools"] = json!([{"functionDeclarations": [function]}]),
            Bedrock => {
                let tool = json!({"toolSpec": {"name": "weather", "inputSchema": {"json": schema}}});
                body["toolConfig"] = json!({"tools": [tool]});
            }
            Completions => {}
        }
        body
    }

    /// Demands that the tool `weather` is called.
    pub(crate) fn forcing_the_tool(self, mut body: Value) -> Value {
        match self {
            Chat => body["tool_choice"] = json!({"type": "function", "function": {"name": "weather"}}),
            Responses => body["tool_choice"] = json!({"type": "function", "name": "weather"}),
            Anthropic => body["tool_choice"] = json!({"type": "tool", "name": "weather"}),
            Gemini => {
                let calling = json!({"mode": "ANY", "allowedFunctionNames": ["weather"]});
                body["toolConfig"] = json!({"functionCallingConfig": calling});
            }
            Bedrock => body["toolConfig"]["toolChoice"] = json!({"tool": {"name": "weather"}}),
            Completions => {}
        }
        body
    }

    /// Asks for JSON of this schema.
    pub(crate) fn with_schema(self, mut body: Value, schema: &Value) -> Value {
        match self {
            Chat => {
                let named = json!({"name": "s", "schema": schema});
                body["response_format"] = json!({"type": "json_schema", "json_schema": named});
            }
            Responses => body["text"] = json!({"format": {"type": "json_schema", "name": "s", "schema": schema}}),
            Anthropic => body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}}),
            Gemini => {
                let config = json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
                body["generationConfig"] = config;
            }
            Bedrock => {
                let structure = json!({"jsonSchema": {"name": "s", "schema": schema.to_string()}});
                body["outputConfig"] = json!({"textFormat": {"type": "json_schema", "structure": structure}});
            }
            Completions => {}
        }
        body
    }

    /// Asks for thinking, to be shown and signed.
    pub(crate) fn with_thinking(self, mut body: Value) -> Value {
        match self {
            Chat => body["reasoning_effort"] = json!("high"),
            Responses => {
                body["reasoning"] = json!({"effort": "high", "summary": "auto"});
                body["include"] = json!(["reasoning.encrypted_content"]);
                body["store"] = json!(false);
            }
            Anthropic => body["thinking"] = json!({"type": "enabled", "budget_tokens": 1024}),
            Gemini => {
                body["generationConfig"] = json!({"thinkingConfig": {"includeThoughts": true, "thinkingBudget": 512}})
            }
            Bedrock => {
                body["additionalModelRequestFields"] = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}})
            }
            Completions => {}
        }
        body
    }

    /// The calls of an answer: id, name and arguments.
    pub(crate) fn calls(self, answer: &Value) -> Vec<(Value, Value, Value)> {
        let parsed = |text: &Value| serde_json::from_str(text.as_str().expect("a text")).expect("JSON");
        let output = self.output(answer);
        let items = output.as_array().expect("an output").iter();
        match self {
            Chat => {
                let calls = answer["choices"][0]["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
                let call = |call: Value| {
                    (call["id"].clone(), call["function"]["name"].clone(), parsed(&call["function"]["arguments"]))
                };
                calls.into_iter().map(call).collect()
            }
            Responses => items
                .filter(|item| item["type"] == "function_call")
                .map(|call| (call["call_id"].clone(), call["name"].clone(), parsed(&call["arguments"])))
                .collect(),
            Anthropic => items
                .filter(|block| block["type"] == "tool_use")
                .map(|call| (call["id"].clone(), call["name"].clone(), call["input"].clone()))
                .collect(),
            Gemini => items
                .filter_map(|part| part.get("functionCall"))
                .map(|call| (call["id"].clone(), call["name"].clone(), call["args"].clone()))
                .collect(),
            Bedrock => items
                .filter_map(|block| block.get("toolUse"))
                .map(|call| (call["toolUseId"].clone(), call["name"].clone(), call["input"].clone()))
                .collect(),
            Completions => Vec::new(),
        }
    }

    /// What the model put out, part by part.
    pub(crate) fn output(self, answer: &Value) -> Value {
        match self {
            Chat | Completions => answer["choices"].clone(),
            Responses => answer["output"].clone(),
            Anthropic => answer["content"].clone(),
            Gemini => answer["candidates"][0]["content"]["parts"].clone(),
            Bedrock => answer["output"]["message"]["content"].clone(),
        }
    }

    /// The second turn: the model's output as `output` has it, and for each call this result.
    pub(crate) fn go_on(self, mut body: Value, answer: &Value, output: Value, result: &str) -> Value {
        let calls = self.calls(answer);
        let (turns, answered): (_, Vec<Value>) = match self {
            Chat => {
                let results =
                    calls.iter().map(|(id, ..)| json!({"role": "tool", "tool_call_id": id, "content": result}));
                ("messages", [output[0]["message"].clone()].into_iter().chain(results).collect())
            }
            Responses => {
                let results = calls.iter();
                let results =
                    results.map(|(id, ..)| json!({"type": "function_call_output", "call_id": id, "output": result}));
                ("input", output.as_array().expect("items").iter().cloned().chain(results).collect())
            }
            Anthropic => {
                let results =
                    calls.iter().map(|(id, ..)| json!({"type": "tool_result", "tool_use_id": id, "content": result}));
                let results: Value = results.collect();
                let user = json!({"role": "user", "content": results});
                ("messages", vec![json!({"role": "assistant", "content": output}), user])
            }
            Gemini => {
                let result = |(id, name, _): &(Value, Value, Value)| json!({"functionResponse": {"id": id, "name": name, "response": {"result": result}}});
                let results: Value = calls.iter().map(result).collect();
                let user = json!({"role": "user", "parts": results});
                ("contents", vec![json!({"role": "model", "parts": output}), user])
            }
            Bedrock => {
                let result = |(id, ..): &(Value, Value, Value)| json!({"toolResult": {"toolUseId": id, "content": [{"text": result}]}});
                let results: Value = calls.iter().map(result).collect();
                let user = json!({"role": "user", "content": results});
                ("messages", vec![json!({"role": "assistant", "content": output}), user])
            }
            Completions => ("prompt", Vec::new()),
        };
        body[turns].as_array_mut().expect("turns").extend(answered);
        body
    }

    /// The words of a whole answer.
    pub(crate) fn words(self, answer: &Value) -> String {
        let output = self.output(answer);
        let said = |part: &Value| match self {
            Chat => part["message"]["content"].as_str().map(ToOwned::to_owned),
            Responses => part["content"][0]["text"].as_str().map(ToOwned::to_owned),
            Gemini if part["thought"] == true => None,
            _ => part["text"].as_str().map(ToOwned::to_owned),
        };
        output.as_array().into_iter().flatten().filter_map(said).collect()
    }

    /// The words of a stream.
    pub(crate) fn streamed_words(self, body: &[u8]) -> String {
        let word = |event: &Value| {
            let piece = match self {
                Chat => &event["choices"][0]["delta"]["content"],
                Completions => &event["choices"][0]["text"],
                Responses if event["type"] == "response.output_text.delta" => &event["delta"],
                Anthropic => &event["delta"]["text"],
                Gemini => &event["candidates"][0]["content"]["parts"][0]["text"],
                Bedrock => &event["contentBlockDelta"]["delta"]["text"],
                Responses => &Value::Null,
            };
            piece.as_str().map(ToOwned::to_owned)
        };
        self.events(body).iter().filter_map(word).collect()
    }

    /// The events of a stream; Bedrock's under their names.
    pub(crate) fn events(self, body: &[u8]) -> Vec<Value> {
        if self == Bedrock { frames(body) } else { events(&String::from_utf8_lossy(body)) }
    }

    /// Sends a request to the model `m`.
    pub(crate) async fn send(self, mock: &Mock, body: &Value, stream: bool) -> reqwest::Response {
        self.send_to(mock, "m", body, stream).await
    }

    /// Sends a request to a model.
    pub(crate) async fn send_to(self, mock: &Mock, model: &str, body: &Value, stream: bool) -> reqwest::Response {
        let mut body = body.clone();
        let path = match (self, stream) {
            (Chat, _) => "/v1/chat/completions".to_owned(),
            (Responses, _) => "/v1/responses".to_owned(),
            (Completions, _) => "/v1/completions".to_owned(),
            (Anthropic, _) => "/v1/messages".to_owned(),
            (Gemini, false) => format!("/v1beta/models/{model}:generateContent"),
            (Gemini, true) => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            (Bedrock, false) => format!("/model/{model}/converse"),
            (Bedrock, true) => format!("/model/{model}/converse-stream"),
        };
        if !matches!(self, Gemini | Bedrock) {
            body["model"] = json!(model);
            if stream {
                body["stream"] = json!(true);
            }
        }
        let request = reqwest::Client::new().post(format!("{}{path}", mock.url())).json(&body);
        let request = match self {
            Anthropic => request.header("x-api-key", "sk-ant-test").header("anthropic-version", "2023-06-01"),
            Gemini => request.header("x-goog-api-key", "key"),
            _ => request.bearer_auth("sk-test"),
        };
        request.send().await.expect("an answer")
    }

    /// The whole answer to a request that is accepted.
    pub(crate) async fn answer(self, mock: &Mock, body: &Value) -> Value {
        let response = self.send(mock, body, false).await;
        let status = response.status();
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(status, 200, "{self:?}: {answer}");
        answer
    }

    /// The message with which a request is refused.
    pub(crate) async fn refusal(self, mock: &Mock, body: &Value) -> String {
        let response = self.send(mock, body, false).await;
        let status = response.status();
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(status, 400, "{self:?}: {answer}");
        self.message(&answer)
    }

    /// The message of an error.
    pub(crate) fn message(self, error: &Value) -> String {
        let message = if self == Bedrock { &error["message"] } else { &error["error"]["message"] };
        message.as_str().expect("a message").to_owned()
    }
}

/// The messages of an event stream, each under its kind; both checksums of each hold.
pub(crate) fn frames(mut body: &[u8]) -> Vec<Value> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    let mut messages = Vec::new();
    while !body.is_empty() {
        let (length, head) = (number(&body[..4]) as usize, number(&body[4..8]) as usize);
        assert_eq!(number(&body[8..12]), crc32fast::hash(&body[..8]));
        assert_eq!(number(&body[length - 4..length]), crc32fast::hash(&body[..length - 4]));
        let mut headers = &body[12..12 + head];
        let mut kind = String::new();
        while let [name_length, rest @ ..] = headers {
            let (name, rest) = rest.split_at(usize::from(*name_length));
            let [7, high, low, rest @ ..] = rest else { panic!("no string") };
            let (value, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            if name == b":event-type" || name == b":exception-type" {
                kind = String::from_utf8(value.to_vec()).expect("a name");
            }
            headers = rest;
        }
        let payload: Value = serde_json::from_slice(&body[12 + head..length - 4]).expect("JSON");
        messages.push(json!({kind: payload}));
        body = &body[length..];
    }
    messages
}
