//! A request for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::{Capability, ModelFamily},
    tool::{ChoiceWire, SearchWire, ToolWire, encode_tools},
    turn::{MessageWire, encode_messages},
};
use crate::{
    canonical::{Chat, Effort, Given, Losses, Reasoning, ResponseFormat, Sampling, ServiceTier},
    dialect::{InvalidRequest, NO_MEMBER, Translation, raw},
    vendors::openai::encode_name,
};

/// Encodes a request: <https://platform.openai.com/docs/api-reference/chat/create>.
///
/// Members that only OpenAI has are said to OpenAI's own models; others who speak the format refuse what they do not know.
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
    let capability = Capability::of(translation.model);
    let (is_openai, is_mistral) = (capability.is_openai(), capability.family == ModelFamily::Mistral);
    let messages = encode_messages(messages, capability, losses)?;
    let tools = encode_tools(tools, tool_choice.as_ref(), capability, translation.model, losses)?;
    let reasoning_effort = encode_effort(reasoning.as_ref(), capability, losses);
    let samples = capability.samples(reasoning.as_ref().and_then(|reasoning| reasoning.value.level()));
    let response_format = encode_format(response_format.as_ref(), losses)?;
    let stop = encode_stop(stop, capability, losses);
    let mut said = Said { losses };
    let max_tokens = max_tokens.as_ref().map(|given| given.value);
    let seed = seed.as_ref().map(|given| given.value);
    let has_tools = !tools.tools.is_empty();
    let stored = store.as_ref().is_some_and(|store| store.value);
    let plain = !capability.is_mistrals_own();
    let unsaid = if plain { NOT_WHILE_REASONING } else { NO_MEMBER };
    let logprobs = said.filter(logprobs.as_ref(), samples && plain, unsaid);
    said.filter(top_k.as_ref(), false, NO_MEMBER);
    let wire = Wire {
        model: translation.model,
        messages,
        max_completion_tokens: max_tokens.filter(|_| is_openai),
        max_tokens: max_tokens.filter(|_| !is_openai),
        temperature: said.filter(temperature.as_ref(), samples, NOT_WHILE_REASONING).copied(),
        top_p: said.filter(top_p.as_ref(), samples, NOT_WHILE_REASONING).copied(),
        frequency_penalty: said.filter(frequency_penalty.as_ref(), samples, NOT_WHILE_REASONING).copied(),
        presence_penalty: said.filter(presence_penalty.as_ref(), samples, NOT_WHILE_REASONING).copied(),
        seed: seed.filter(|_| !is_mistral),
        random_seed: seed.filter(|_| is_mistral),
        n: choices.as_ref().map(|given| given.value).filter(|choices| *choices > 1),
        logprobs: logprobs.map(|_| true),
        top_logprobs: logprobs.copied().filter(|top| *top > 0).map(|top| top.min(MAX_TOP_LOGPROBS)),
        logit_bias: said.filter(logit_bias.as_ref(), samples && plain, unsaid).map(|bias| raw(bias)).transpose()?,
        stop,
        parallel_tool_calls: said
            .filter(parallel_tools.as_ref().filter(|_| has_tools), capability.takes_parallel_flag(), NO_PARALLEL_FLAG)
            .copied(),
        tools: tools.tools,
        tool_choice: tools.choice,
        web_search_options: tools.search,
        response_format,
        reasoning_effort,
        verbosity: said.filter(verbosity.as_ref(), capability.takes_verbosity(), ONE_LENGTH).map(|word| &**word),
        service_tier: said.tier(service_tier.as_ref(), capability),
        // `false` is what happens anyway.
        store: said.filter(store.as_ref().filter(|given| given.value), is_openai, OPENAI_ONLY).copied(),
        // OpenAI: "The 'metadata' parameter is only allowed when 'store' is enabled."
        metadata: said
            .filter(metadata.as_ref(), is_openai && stored, "the provider labels only what it stores")
            .map(|labels| raw(labels))
            .transpose()?,
        user: said.name(user.as_ref(), plain, NO_MEMBER),
        safety_identifier: said.name(safety_identifier.as_ref(), is_openai, OPENAI_ONLY),
        prompt_cache_key: said.name(prompt_cache_key.as_ref(), is_openai, OPENAI_ONLY),
        stream: translation.stream,
        stream_options: (translation.stream && plain).then_some(StreamOptionsWire { include_usage: true }),
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// The most alternatives for a token.
const MAX_TOP_LOGPROBS: u64 = 20;

/// The most stop texts.
const MAX_STOPS: usize = 4;

/// The longest name of a schema; letters, digits, `_` and `-`.
const MAX_NAME: usize = 64;

const OPENAI_ONLY: &str = "only OpenAI's own models take it";
const NO_PARALLEL_FLAG: &str = "the model cannot be told";
const ONE_LENGTH: &str = "the model's answers are of one length";
const NOT_WHILE_REASONING: &str = "the model takes none while it reasons";

/// Drops what the provider does not take, and says so.
struct Said<'l> {
    losses: &'l mut Losses,
}

impl Said<'_> {
    fn filter<'g, T>(&mut self, given: Option<&'g Given<T>>, takes: bool, reason: &'static str) -> Option<&'g T> {
        let given = given?;
        if takes {
            return Some(&given.value);
        }
        self.losses.declare(given.path.as_ref(), reason);
        None
    }

    fn name<'g>(
        &mut self,
        given: Option<&'g Given<Cow<'_, str>>>,
        takes: bool,
        reason: &'static str,
    ) -> Option<Cow<'g, str>> {
        self.filter(given, takes, reason)?;
        encode_name(given, self.losses)
    }

    fn tier<'g>(&mut self, tier: Option<&'g Given<ServiceTier<'_>>>, capability: Capability) -> Option<&'g str> {
        let tier = tier?;
        let is_openai = capability.is_openai();
        match &tier.value {
            ServiceTier::Auto => None,
            ServiceTier::Standard if !is_openai => None,
            ServiceTier::Standard => Some("default"),
            ServiceTier::Priority if is_openai => Some("priority"),
            ServiceTier::Flex if !capability.is_mistrals_own() => Some("flex"),
            ServiceTier::Other(word) if is_openai && word == "scale" => Some("scale"),
            ServiceTier::Priority | ServiceTier::Flex | ServiceTier::Other(_) => {
                self.losses.declare(tier.path.as_ref(), "the provider has no such tier");
                None
            }
        }
    }
}

/// The nearest effort that the model takes.
fn encode_effort(
    reasoning: Option<&Given<Reasoning>>,
    capability: Capability,
    losses: &mut Losses,
) -> Option<&'static str> {
    let given = reasoning?;
    let path = given.path.as_ref();
    let Some(wanted) = given.value.level() else {
        // That the client wants to read it is all it says.
        if given.value.visible == Some(true) && capability.is_openai() {
            losses.declare(path, "the provider's format does not show its reasoning");
        }
        return None;
    };
    let (least, most) = match capability.family {
        ModelFamily::Openai => {
            if wanted != Effort::None {
                losses.declare(path, "the model does not reason");
            }
            return None;
        }
        ModelFamily::OpenaiReasoning { least: Effort::None } => (Effort::None, Effort::XHigh),
        ModelFamily::OpenaiReasoning { least } => (least, Effort::High),
        // <https://docs.mistral.ai/capabilities/reasoning/>: `none` or `high`.
        ModelFamily::Mistral if wanted == Effort::None => (Effort::None, Effort::None),
        ModelFamily::Mistral => (Effort::High, Effort::High),
        // What those have in common who host open models; `none` is known to most.
        ModelFamily::Claude | ModelFamily::Gemini | ModelFamily::Other if wanted == Effort::None => {
            (Effort::None, Effort::None)
        }
        ModelFamily::Claude | ModelFamily::Gemini | ModelFamily::Other => (Effort::Low, Effort::High),
    };
    let said = wanted.clamp(least, most);
    if said != wanted {
        losses.approximate(path, "the model has no such effort, and gets the nearest");
    } else if given.value.budget.is_some_and(|budget| budget > 0) && given.value.effort.is_none() {
        losses.approximate(path, "the provider takes an effort in place of a number of tokens");
    }
    if given.value.visible == Some(true) && capability.is_openai() && said != Effort::None {
        losses.approximate(path, "the provider's format does not show its reasoning");
    }
    Some(said.word())
}

/// OpenAI takes four; its reasoning models take none (<https://platform.openai.com/docs/api-reference/chat/create>).
fn encode_stop<'c>(stop: &'c [Given<Cow<'_, str>>], capability: Capability, losses: &mut Losses) -> Vec<&'c str> {
    let (most, reason) = match capability.family {
        ModelFamily::OpenaiReasoning { .. } => (0, "the model takes no stop texts"),
        _ => (MAX_STOPS, "the provider takes four stop texts"),
    };
    for given in stop.iter().skip(most) {
        losses.declare(given.path.as_ref(), reason);
    }
    stop.iter().take(most).map(|given| &*given.value).collect()
}

fn encode_format<'c>(
    format: Option<&'c Given<ResponseFormat<'_>>>,
    losses: &mut Losses,
) -> Result<Option<FormatWire<'c>>, InvalidRequest> {
    let Some(Given { value, path }) = format else { return Ok(None) };
    let ResponseFormat::JsonSchema { schema, name, description, strict } = value else {
        return Ok(Some(FormatWire { r#type: "json_object", json_schema: None }));
    };
    let given = name.as_deref().filter(|name| !name.is_empty());
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let name: Cow<'_, str> = match given {
        None => "answer".into(),
        Some(name) if name.len() <= MAX_NAME && name.chars().all(is_allowed) => name.into(),
        Some(name) => {
            losses.approximate(path.as_ref(), "the provider takes names of 64 letters, digits, _ and -");
            name.chars().take(MAX_NAME).map(|letter| if is_allowed(letter) { letter } else { '_' }).collect()
        }
    };
    let description = description.as_deref();
    let json_schema = Some(SchemaWire { name, description, schema: raw(schema)?, strict: *strict });
    Ok(Some(FormatWire { r#type: "json_schema", json_schema }))
}

#[derive(Serialize)]
struct Wire<'c> {
    model: &'c str,
    messages: Vec<MessageWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    /// The older name, which is all that many servers know.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    /// Mistral's name of it: <https://docs.mistral.ai/api/>.
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit_bias: Option<&'c RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'c str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_search_options: Option<SearchWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'c RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptionsWire>,
}

#[derive(Serialize)]
struct StreamOptionsWire {
    include_usage: bool,
}

#[derive(Serialize)]
struct FormatWire<'c> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<SchemaWire<'c>>,
}

#[derive(Serialize)]
struct SchemaWire<'c> {
    name: Cow<'c, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'c str>,
    schema: &'c RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}
