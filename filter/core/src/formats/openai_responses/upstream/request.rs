//! A request for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::Capability,
    input::{ItemWire, encode_input},
    tool::{ChoiceWire, ToolWire, encode_choice, encode_tools},
};
use crate::{
    canonical::{Chat, Effort, Given, Losses, Reasoning, ResponseFormat, Sampling, ServiceTier},
    dialect::{InvalidRequest, NO_MEMBER, Translation, raw},
    vendors::openai::encode_name,
};

/// Encodes a request: <https://platform.openai.com/docs/api-reference/responses/create>.
///
/// Nothing is stored unless the client asks for that: the conversation comes whole with each request, and its reasoning with
/// encrypted content.
pub(super) fn encode_request(
    translation: &Translation<'_>,
    chat: &Chat<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, InvalidRequest> {
    let Chat {
        messages,
        tools,
        tool_choice,
        parallel_tools,
        max_tokens,
        sampling,
        choices,
        logprobs,
        stop,
        response_format,
        reasoning,
        verbosity,
        user,
        safety_identifier,
        prompt_cache_key,
        service_tier,
        metadata,
        store,
        extra: _, // declared for every format alike
    } = chat;
    let Sampling { temperature, top_p, top_k, frequency_penalty, presence_penalty, seed, logit_bias } = sampling;
    for path in [
        top_k.as_ref().map(|given| &given.path),
        frequency_penalty.as_ref().map(|given| &given.path),
        presence_penalty.as_ref().map(|given| &given.path),
        seed.as_ref().map(|given| &given.path),
        logit_bias.as_ref().map(|given| &given.path),
    ]
    .into_iter()
    .flatten()
    .chain(stop.iter().map(|given| &given.path))
    {
        losses.declare(path.as_ref(), NO_MEMBER);
    }
    if let Some(choices) = choices.as_ref().filter(|choices| choices.value > 1) {
        losses.declare(choices.path.as_ref(), "the provider gives one answer");
    }
    let capability = Capability::of(translation.model);
    let reasoning = encode_reasoning(reasoning.as_ref(), capability, losses);
    let samples = capability.samples(reasoning.as_ref().and_then(|reasoning| reasoning.level));
    let logprobs = logprobs.as_ref().filter(|given| samples || dropped(&given.path, losses));
    let verbosity = verbosity.as_ref().filter(|given| {
        let takes = capability.takes_verbosity();
        if !takes {
            losses.declare(given.path.as_ref(), "the model's answers are of one length");
        }
        takes
    });
    let wire = Wire {
        model: translation.model,
        input: encode_input(messages, losses)?,
        tools: encode_tools(tools, losses)?,
        tool_choice: encode_choice(tool_choice.as_ref(), !tools.is_empty(), losses),
        parallel_tool_calls: parallel_tools.as_ref().map(|given| given.value).filter(|_| !tools.is_empty()),
        max_output_tokens: encode_cap(max_tokens.as_ref(), losses),
        temperature: encode_sampling(temperature.as_ref(), samples, losses),
        top_p: encode_sampling(top_p.as_ref(), samples, losses),
        top_logprobs: encode_alternatives(logprobs, losses),
        include: [
            capability.reasons().then_some("reasoning.encrypted_content"),
            logprobs.map(|_| "message.output_text.logprobs"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        text: encode_text(response_format.as_ref(), verbosity, losses)?,
        reasoning,
        user: encode_name(user.as_ref(), losses),
        safety_identifier: encode_name(safety_identifier.as_ref(), losses),
        prompt_cache_key: encode_name(prompt_cache_key.as_ref(), losses),
        service_tier: encode_tier(service_tier.as_ref(), losses),
        metadata: metadata
            .as_ref()
            .map(|given| raw(given.value).map_err(|invalid| invalid.at(&given.path)))
            .transpose()?,
        store: store.as_ref().is_some_and(|given| given.value),
        stream: translation.stream,
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// The least cap that the API takes (the description of `max_output_tokens` in its reference).
const MIN_CAP: u64 = 16;

fn encode_cap(cap: Option<&Given<u64>>, losses: &mut Losses) -> Option<u64> {
    let cap = cap?;
    if cap.value < MIN_CAP {
        losses.approximate(cap.path.as_ref(), "the least cap of the provider is 16");
    }
    Some(cap.value.max(MIN_CAP))
}

/// The default is left out for models that take no other.
fn encode_sampling(value: Option<&Given<f64>>, samples: bool, losses: &mut Losses) -> Option<f64> {
    let value = value?;
    #[expect(clippy::float_cmp, reason = "the default, as written")]
    let is_default = value.value == 1.0;
    match samples {
        true => Some(value.value),
        false if is_default => None,
        false => dropped(&value.path, losses).then_some(value.value),
    }
}

/// Declares what a model that reasons does not take.
fn dropped(path: &str, losses: &mut Losses) -> bool {
    losses.declare(path, "the model takes none when it reasons");
    false
}

/// Most alternatives to a token that the API gives.
const MAX_ALTERNATIVES: u64 = 20;

fn encode_alternatives(logprobs: Option<&Given<u64>>, losses: &mut Losses) -> Option<u64> {
    let given = logprobs?;
    if given.value > MAX_ALTERNATIVES {
        losses.approximate(given.path.as_ref(), "the provider gives at most 20 alternatives");
    }
    Some(given.value.min(MAX_ALTERNATIVES)).filter(|most| *most > 0)
}

fn encode_reasoning(
    reasoning: Option<&Given<Reasoning>>,
    capability: Capability,
    losses: &mut Losses,
) -> Option<ReasoningWire> {
    let Given { value: reasoning, path } = reasoning?;
    if !capability.reasons() {
        if !reasoning.is_off() {
            losses.declare(path.as_ref(), "the model does not reason");
        }
        return None;
    }
    let wanted = reasoning.level();
    let level = wanted.map(|level| capability.nearest(level));
    if level != wanted {
        losses.approximate(path.as_ref(), "the model has no such effort; the nearest was taken");
    } else if reasoning.effort.is_none() && reasoning.budget.is_some_and(|budget| budget > 0) {
        losses.approximate(path.as_ref(), "the provider knows efforts and no budgets");
    }
    // A summary that nobody asked for may be refused: some organisations must be verified first.
    let summary = (reasoning.visible == Some(true) && !reasoning.is_off()).then_some("auto");
    (level.is_some() || summary.is_some()).then(|| ReasoningWire { effort: level.map(Effort::word), level, summary })
}

fn encode_text<'c>(
    format: Option<&'c Given<ResponseFormat<'_>>>,
    verbosity: Option<&'c Given<Cow<'_, str>>>,
    losses: &mut Losses,
) -> Result<Option<TextWire<'c>>, InvalidRequest> {
    let format = match format {
        None => None,
        Some(Given { value: ResponseFormat::JsonObject, .. }) => Some(FormatWire::JsonObject {}),
        Some(Given { value: ResponseFormat::JsonSchema { schema, name, description, strict }, path }) => {
            Some(FormatWire::JsonSchema {
                name: encode_format_name(name.as_deref(), path, losses),
                description: description.as_deref(),
                schema: raw(schema).map_err(|invalid| invalid.at(path))?,
                strict: *strict,
            })
        }
    };
    let verbosity = verbosity.map(|given| &*given.value);
    Ok((format.is_some() || verbosity.is_some()).then_some(TextWire { format, verbosity }))
}

/// A name is wanted, of letters, digits, `_` and `-`, 64 at most (the description of `text.format.name`).
fn encode_format_name<'c>(name: Option<&'c str>, path: &str, losses: &mut Losses) -> Cow<'c, str> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return "response".into() };
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if name.len() <= 64 && name.chars().all(is_allowed) {
        return name.into();
    }
    losses.approximate(format!("{path}.name"), "the provider takes letters, digits, _ and -, 64 at most");
    name.chars().take(64).map(|letter| if is_allowed(letter) { letter } else { '_' }).collect()
}

/// <https://platform.openai.com/docs/api-reference/responses/create#responses_create-service_tier>
fn encode_tier<'c>(tier: Option<&'c Given<ServiceTier<'_>>>, losses: &mut Losses) -> Option<&'c str> {
    let tier = tier?;
    match &tier.value {
        ServiceTier::Auto => None,
        ServiceTier::Standard => Some("default"),
        ServiceTier::Priority => Some("priority"),
        ServiceTier::Flex => Some("flex"),
        ServiceTier::Other(word) if matches!(&**word, "scale" | "fast" | "ultrafast") => Some(word),
        ServiceTier::Other(_) => {
            losses.declare(tier.path.as_ref(), "the provider has no such tier");
            None
        }
    }
}

#[derive(Serialize)]
struct Wire<'c> {
    model: &'c str,
    input: Vec<ItemWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'c RawValue>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct ReasoningWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip)]
    level: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

#[derive(Serialize)]
struct TextWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'c str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatWire<'c> {
    JsonObject {},
    JsonSchema {
        name: Cow<'c, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'c str>,
        schema: &'c RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canonical::{Block, Function, Message, Part, Role, Tool, ToolChoice, ToolKind},
        dialect::Framing,
        words::Format,
    };

    fn translation(model: &str) -> Translation<'_> {
        Translation {
            client: Format::AnthropicMessages,
            upstream: Format::OpenaiResponses,
            model,
            default_max_tokens: 4096,
            stream: false,
            include_usage: false,
            framing: Framing::Sse,
            exchange: "e1",
            created_s: 7,
        }
    }

    fn chat() -> Chat<'static> {
        let part = Part { block: Block::Text("Hi".into()), cache: None, path: "messages.0.content".into() };
        let message = Message { role: Role::User, parts: vec![part], path: "messages.0".into() };
        Chat { messages: vec![message], ..Chat::default() }
    }

    fn encode(model: &str, chat: &Chat<'_>) -> (String, String) {
        let mut losses = Losses::default();
        let body = encode_request(&translation(model), chat, &mut losses).unwrap();
        let paths: Vec<_> = losses.iter().map(|loss| loss.path.as_str()).collect();
        (String::from_utf8(body).unwrap(), paths.join(" "))
    }

    #[test]
    fn a_plain_request_is_stateless_and_asks_for_its_reasoning_back() {
        let (body, losses) = encode("gpt-5.2", &chat());
        assert_eq!(
            body,
            r#"{"model":"gpt-5.2","input":[{"type":"message","role":"user","content":"Hi"}],"include":["reasoning.encrypted_content"],"store":false}"#
        );
        assert_eq!(losses, "");
        assert!(!encode("gpt-4o", &chat()).0.contains("include"));
    }

    #[test]
    fn strictness_of_functions_is_always_said() {
        let tool = |strict| Tool {
            kind: ToolKind::Function(Function { name: "f".into(), description: None, parameters: None, strict }),
            cache: None,
            path: "tools.0".into(),
        };
        let choice = ToolChoice::Allowed { names: vec!["f".into()], required: true };
        let chat = Chat {
            tools: vec![tool(None), tool(Some(true))],
            tool_choice: Some(Given::new(choice, "tool_choice")),
            parallel_tools: Some(Given::new(false, "parallel_tool_calls")),
            ..chat()
        };
        let (body, _) = encode("gpt-4o", &chat);
        assert!(body.contains(concat!(
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false},"#,
            r#"{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":true}],"#,
            r#""tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]},"#,
            r#""parallel_tool_calls":false"#,
        )));
    }

    #[test]
    fn a_name_that_the_api_does_not_take_is_refused() {
        let function = Function { name: "z.last".into(), description: None, parameters: None, strict: None };
        let tool = Tool { kind: ToolKind::Function(function), cache: None, path: "tools.0".into() };
        let chat = Chat { tools: vec![tool], ..chat() };
        let refusal = encode_request(&translation("gpt-4o"), &chat, &mut Losses::default()).unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some("tools.0"));
    }

    #[test]
    fn what_the_api_cannot_say_is_declared() {
        let chat = Chat {
            max_tokens: Some(Given::new(5, "max_tokens")),
            choices: Some(Given::new(2, "n")),
            stop: vec![Given::new("END".into(), "stop.0")],
            logprobs: Some(Given::new(30, "top_logprobs")),
            tool_choice: Some(Given::new(ToolChoice::Required, "tool_choice")),
            user: Some(Given::new("u".repeat(65).into(), "user")),
            service_tier: Some(Given::new(ServiceTier::Other("bulk".into()), "service_tier")),
            sampling: Sampling {
                top_k: Some(Given::new(3, "top_k")),
                seed: Some(Given::new(1, "seed")),
                temperature: Some(Given::new(0.5, "temperature")),
                ..Sampling::default()
            },
            ..chat()
        };
        let (body, losses) = encode("gpt-4o", &chat);
        assert_eq!(losses, "top_k seed stop.0 n tool_choice max_tokens top_logprobs user service_tier");
        assert!(body.contains(
            r#""max_output_tokens":16,"temperature":0.5,"top_logprobs":20,"include":["message.output_text.logprobs"]"#
        ));
        let (body, losses) = encode("o3", &chat);
        assert!(!body.contains("temperature") && losses.contains("temperature"), "{body}");
    }

    #[test]
    fn reasoning_takes_the_nearest_effort_and_a_summary_where_it_is_to_be_seen() {
        let with = |reasoning| Chat { reasoning: Some(Given::new(reasoning, "thinking")), ..chat() };
        let budget = with(Reasoning { effort: None, budget: Some(20_000), visible: Some(true) });
        let (body, losses) = encode("gpt-5", &budget);
        assert!(body.contains(r#""reasoning":{"effort":"high","summary":"auto"}"#), "{body}");
        assert_eq!(losses, "thinking");
        let off = with(Reasoning { effort: Some(Effort::None), ..Reasoning::default() });
        assert!(encode("gpt-5.1", &off).0.contains(r#""reasoning":{"effort":"none"}"#));
        assert_eq!(encode("gpt-4o", &off), encode("gpt-4o", &chat()));
        assert_eq!(encode("gpt-4o", &budget).1, "thinking");
    }

    #[test]
    fn a_schema_has_a_name() {
        let format = |name: Option<&'static str>| ResponseFormat::JsonSchema {
            schema: r#"{"type":"object"}"#.into(),
            name: name.map(Into::into),
            description: None,
            strict: Some(true),
        };
        let with = |name| Chat { response_format: Some(Given::new(format(name), "response_format")), ..chat() };
        let (body, losses) = encode("gpt-4o", &with(None));
        let text =
            r#""text":{"format":{"type":"json_schema","name":"response","schema":{"type":"object"},"strict":true}}"#;
        assert!(body.contains(text), "{body}");
        assert_eq!(losses, "");
        let (body, losses) = encode("gpt-4o", &with(Some("Météo")));
        assert!(body.contains(r#""name":"M_t_o""#), "{body}");
        assert_eq!(losses, "response_format.name");
    }
}
