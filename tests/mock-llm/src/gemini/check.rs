//! The checks that Google makes before it answers, with its own words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::{error, invalid};
use super::shapes;
use crate::dialect::items;
use crate::provider::Call;
use crate::send::Answer;
use crate::shape::{self, Fault, Problem};
use crate::signed;

/// Google's documents offer these in place of a signature, for calls that came from another model
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>); as they are, and in base64.
const NO_SIGNATURE: [&str; 2] = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

/// The body of a request that Google would accept, its members in camel case.
pub(super) fn admitted(call: &Call<'_>, model: &str) -> Result<Value, Answer> {
    authorized(call)?;
    let mut body: Value = serde_json::from_slice(call.body).map_err(|error| error_of_json(&error))?;
    if model.starts_with("no-such") {
        let message = format!(
            "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of \
             available models and their supported methods."
        );
        return Err(error(404, &message));
    }
    shape::in_camel_case(&mut body, &shapes::REQUEST);
    if call.is_lenient() {
        return Ok(body);
    }
    shape::check(&body, &shapes::REQUEST).map_err(unfit)?;
    config(&body["generationConfig"], model)?;
    tools(&body, model)?;
    contents(&body, model)?;
    Ok(body)
}

/// Models from the third generation on think always, sign what they think, and want the signature back.
pub(super) fn always_thinks(model: &str) -> bool {
    model.starts_with("gemini-3")
}

/// The signature of a call: of its name and arguments.
pub(super) fn signature(call: &Value) -> String {
    signed::sealed("gemini", &signed_words(call))
}

fn signed_words(call: &Value) -> String {
    format!("{} {}", call["name"], call["args"])
}

fn error_of_json(error: &serde_json::Error) -> Answer {
    self::error(400, &format!("Invalid JSON payload received. {error}"))
}

/// The key, as a header, in the query, or (Vertex) a bearer token.
fn authorized(call: &Call<'_>) -> Result<(), Answer> {
    let in_query = call.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")));
    let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if call.header("x-goog-api-key").or(in_query).or(bearer).is_none_or(str::is_empty) {
        let message = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other \
                       form of API consumer identity to call this API.";
        return Err(error(403, message));
    }
    Ok(())
}

fn unfit(fault: Fault) -> Answer {
    let whole = fault.path.bracketed();
    let message = match fault.problem {
        Problem::Unknown => {
            let (path, name) = fault.path.split();
            let path = shape::snake_case(&path.bracketed());
            let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
            let message = format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field.");
            return invalid(&path, &message);
        }
        Problem::Missing => format!("* GenerateContentRequest.{}: must be set.", shape::snake_case(&whole)),
        Problem::Expected(what) => format!("Invalid value at '{}', expected {what}.", shape::snake_case(&whole)),
        Problem::Choices(words) => {
            format!("Invalid value at '{}', expected one of {}.", shape::snake_case(&whole), words.join(", "))
        }
        Problem::Union => format!("Invalid value at '{}', oneof field is already set.", shape::snake_case(&whole)),
    };
    invalid(&shape::snake_case(&whole), &message)
}

fn config(config: &Value, model: &str) -> Result<(), Answer> {
    let refuse =
        |field: &str, message: &str| Err(invalid(field, &format!("* GenerateContentRequest.{field}: {message}")));
    let range =
        |name: &str, least: f64, most: f64| config[name].as_f64().is_some_and(|value| !(least..=most).contains(&value));
    if range("temperature", 0.0, 2.0) {
        return refuse("generation_config.temperature", "must be in the range [0.0, 2.0].");
    }
    if range("topP", 0.0, 1.0) {
        return refuse("generation_config.top_p", "must be in the range [0.0, 1.0].");
    }
    if range("maxOutputTokens", 1.0, f64::MAX) {
        return refuse("generation_config.max_output_tokens", "must be positive.");
    }
    if range("candidateCount", 1.0, 8.0) {
        return refuse("generation_config.candidate_count", "must be in the range [1, 8].");
    }
    if items(&config["stopSequences"]).len() > 5 || items(&config["stopSequences"]).contains(&json!("")) {
        return refuse("generation_config.stop_sequences", "must have at most 5 values, none of them empty.");
    }
    let schemas = ["responseSchema", "responseJsonSchema", "_responseJsonSchema"]
        .iter()
        .filter(|name| !config[**name].is_null())
        .count();
    if schemas > 1 {
        return refuse(
            "generation_config.response_schema",
            "only one of response_schema and response_json_schema may be set.",
        );
    }
    if schemas == 1 && config["responseMimeType"] != "application/json" {
        return refuse(
            "generation_config.response_schema",
            "only allowed when response_mime_type is application/json.",
        );
    }
    let mime_types = ["text/plain", "application/json", "text/x.enum"];
    if config["responseMimeType"].as_str().is_some_and(|given| !given.is_empty() && !mime_types.contains(&given)) {
        return refuse(
            "generation_config.response_mime_type",
            "allowed mimetypes are `text/plain`, `application/json` and `text/x.enum`.",
        );
    }
    let thinking = &config["thinkingConfig"];
    if !thinking["thinkingBudget"].is_null() && !thinking["thinkingLevel"].is_null() {
        return Err(error(400, "You can only set only one of thinking budget and thinking level."));
    }
    if !thinking["thinkingLevel"].is_null() && !always_thinks(model) {
        return Err(error(400, "Thinking level is not supported for this model."));
    }
    schema(&config["responseSchema"], "generation_config.response_schema")
}

fn tools(body: &Value, model: &str) -> Result<(), Answer> {
    let mut declared = Vec::new();
    for (index, tool) in items(&body["tools"]).iter().enumerate() {
        for (position, declaration) in items(&tool["functionDeclarations"]).iter().enumerate() {
            let path = format!("tools[{index}].function_declarations[{position}]");
            let name = declaration["name"].as_str().unwrap_or_default();
            let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_.:-".contains(symbol);
            let begins = name.starts_with(|symbol: char| symbol.is_ascii_alphabetic() || symbol == '_');
            if !begins || name.len() > 64 || !name.chars().all(fits) {
                let message = format!(
                    "* GenerateContentRequest.{path}.name: Invalid function name. Must start with a letter or an underscore. Must be \
                     alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
                );
                return Err(invalid(&path, &message));
            }
            if declared.contains(&name) {
                return Err(invalid(&path, &format!("Duplicate function declaration found: {name}")));
            }
            if !declaration["parameters"].is_null() && !declaration["parametersJsonSchema"].is_null() {
                return Err(invalid(&path, "parameters and parameters_json_schema are mutually exclusive."));
            }
            schema(&declaration["parameters"], &format!("{path}.parameters"))?;
            declared.push(name);
        }
    }
    let calling = &body["toolConfig"]["functionCallingConfig"];
    let mode = calling["mode"].as_str().unwrap_or_default().to_uppercase();
    let allowed = items(&calling["allowedFunctionNames"]);
    if !allowed.is_empty() && !matches!(mode.as_str(), "ANY" | "VALIDATED") {
        return Err(error(
            400,
            "Function calling config allowed_function_names should be set only when function calling mode is ANY.",
        ));
    }
    if mode == "ANY" && declared.is_empty() {
        return Err(error(400, "Function calling config is set without function_declarations."));
    }
    if let Some(name) = allowed.iter().find(|name| !declared.iter().any(|declared| *name == declared)) {
        return Err(error(
            400,
            &format!("Function calling config allowed_function_names contains {name}, which is not declared."),
        ));
    }
    if body["generationConfig"]["responseMimeType"] == "application/json"
        && !declared.is_empty()
        && !always_thinks(model)
    {
        return Err(error(400, "Function calling with a response mime type: 'application/json' is unsupported"));
    }
    Ok(())
}

/// What the table of members cannot say of a schema.
fn schema(schema: &Value, path: &str) -> Result<(), Answer> {
    if !schema.is_object() {
        return Ok(());
    }
    let kind = schema["type"].as_str().unwrap_or_default().to_lowercase();
    let refuse =
        |field: &str, message: &str| Err(invalid(path, &format!("* GenerateContentRequest.{path}.{field}: {message}")));
    if kind.is_empty() && schema["anyOf"].is_null() {
        return refuse("type", "must be specified.");
    }
    if schema.get("enum").is_some() && (kind != "string" || items(&schema["enum"]).contains(&json!(""))) {
        return refuse("enum", "only allowed for STRING type, and no value may be empty.");
    }
    if kind == "string" && schema["format"].as_str().is_some_and(|format| !["enum", "date-time"].contains(&format)) {
        return refuse("format", "only 'enum' and 'date-time' are supported for STRING type");
    }
    if kind == "array" && schema["items"].is_null() {
        return refuse("items", "missing field.");
    }
    let properties = schema["properties"].as_object();
    if let Some(name) = items(&schema["required"])
        .iter()
        .find(|name| properties.is_none_or(|have| !name.as_str().is_some_and(|name| have.contains_key(name))))
    {
        return refuse("required", &format!("property is not defined: {name}"));
    }
    let nested = properties.into_iter().flat_map(|properties| properties.iter());
    for (name, property) in nested {
        self::schema(property, &format!("{path}.properties[{name}]"))?;
    }
    items(&schema["anyOf"]).iter().chain(schema.get("items")).try_for_each(|nested| self::schema(nested, path))
}

/// Roles, parts, and that the results of a turn are those of the calls before it.
fn contents(body: &Value, model: &str) -> Result<(), Answer> {
    let contents = items(&body["contents"]);
    if contents.is_empty() {
        return Err(error(400, "* GenerateContentRequest.contents: contents is not specified\n"));
    }
    let mut open: Vec<&Value> = Vec::new();
    for (index, content) in contents.iter().enumerate() {
        let role = content["role"].as_str().unwrap_or("user");
        if !["user", "model", "function"].contains(&role) {
            return Err(error(400, "Please use a valid role: user, model."));
        }
        if items(&content["parts"]).is_empty() {
            let message =
                format!("* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n");
            return Err(error(400, &message));
        }
        for (position, part) in items(&content["parts"]).iter().enumerate() {
            self::part(part, &format!("contents[{index}].parts[{position}]"))?;
        }
        let of = |member: &'static str| items(&content["parts"]).iter().filter_map(move |part| part.get(member));
        let results: Vec<&Value> = of("functionResponse").collect();
        if results.len() != open.len() {
            let message = "Please ensure that the number of function response parts is equal to the number of function call parts of \
                           the function call turn.";
            return Err(error(400, message));
        }
        for result in results {
            let same = |call: &&Value| {
                call["name"] == result["name"] && (result["id"].is_null() || call["id"] == result["id"])
            };
            let Some(position) = open.iter().position(same) else {
                let message = "Please ensure that function response turn comes immediately after a function call turn, and that each \
                               response has the name and the id of its call.";
                return Err(error(400, message));
            };
            open.remove(position);
        }
        open = of("functionCall").collect();
        if !open.is_empty() && (role != "model" || index == 0) {
            let message = "Please ensure that function call turn comes immediately after a user turn or after a function response turn.";
            return Err(error(400, message));
        }
    }
    if !open.is_empty() {
        return Err(error(400, "Please ensure that function call turn is followed by a function response turn."));
    }
    signatures_are_there(contents, model)
}

fn part(part: &Value, path: &str) -> Result<(), Answer> {
    let data = [
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    ];
    let given = data.iter().filter(|member| !part[**member].is_null()).count();
    if given != 1 && part["thoughtSignature"].is_null() {
        let message = format!(
            "* GenerateContentRequest.{path}.data: required oneof field 'data' must have one initialized field"
        );
        return Err(error(400, &message));
    }
    if part["inlineData"]["data"].as_str().is_some_and(|data| STANDARD.decode(standard(data)).is_err()) {
        let message = format!("Invalid value at '{path}.inline_data.data' (TYPE_BYTES), Base64 decoding failed");
        return Err(invalid(path, &message));
    }
    let Some(signature) = part["thoughtSignature"].as_str().map(standard) else { return Ok(()) };
    if is_placeholder(&signature) {
        return Ok(());
    }
    // The signature of a streamed text comes apart from its words, so only that of a call is held against what it signs.
    let same = signed::opened("gemini", &signature)
        .is_some_and(|words| part["functionCall"].is_null() || words == signed_words(&part["functionCall"]));
    if same { Ok(()) } else { Err(error(400, "Corrupted thought signature.")) }
}

/// Bytes in the standard alphabet: JSON of protocol buffers takes that of URLs too, and Google's clients send it.
fn standard(base64: &str) -> String {
    base64.replace('-', "+").replace('_', "/")
}

fn is_placeholder(signature: &str) -> bool {
    NO_SIGNATURE
        .iter()
        .any(|placeholder| signature == standard(placeholder) || signature == STANDARD.encode(placeholder))
}

/// Where the model signs its thinking, the first call of each step of the current turn has to bring the signature back.
fn signatures_are_there(contents: &[Value], model: &str) -> Result<(), Answer> {
    if !always_thinks(model) {
        return Ok(());
    }
    let is_turn = |content: &&Value| {
        content["role"] != "model"
            && !items(&content["parts"]).iter().any(|part| part.get("functionResponse").is_some())
    };
    let current = contents.len() - contents.iter().rev().take_while(|content| !is_turn(content)).count();
    for (index, content) in contents.iter().enumerate().skip(current) {
        let first = items(&content["parts"]).iter().find(|part| part.get("functionCall").is_some());
        if let Some(part) = first.filter(|part| part["thoughtSignature"].is_null()) {
            let name = part["functionCall"]["name"].as_str().unwrap_or_default();
            let message = format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and \
                 missing thought_signature may lead to degraded model performance. Additional data, function call \
                 `default_api:{name}` , position {}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more \
                 details.",
                index + 1
            );
            return Err(error(400, &message));
        }
    }
    Ok(())
}
