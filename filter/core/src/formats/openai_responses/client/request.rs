//! A client's request, decoded.

use super::{item::decode_input, options, tool};
use crate::{
    canonical::{Block, Chat, Given, Message, Part, Role, ServiceTier},
    dialect::{InvalidRequest, want},
    json::{Envelope, Node},
};

/// Decodes a request: <https://platform.openai.com/docs/api-reference/responses/create>.
///
/// Members set to null count as absent. Members that the model has no place for end in [`Chat::extra`], unless their
/// value is the default, which says nothing. What only a provider that keeps state can answer is refused.
pub(super) fn decode_request<'a>(body: &'a [u8], envelope: &Envelope) -> Result<Chat<'a>, InvalidRequest> {
    let mut chat = Chat::default();
    let (mut instructions, mut include_logprobs, mut top_logprobs) = (None, None, None);
    for member in envelope.members() {
        let key = member.key.as_str();
        let value = want(member.node(body), key, "valid JSON")?;
        if value.is_null() {
            continue;
        }
        match key {
            // Ours: the route's model, and what the relay does.
            "model" | "stream" => {}
            "input" => chat.messages = decode_input(value, &mut chat.extra)?,
            "instructions" => instructions = Some(want(value.string(), key, "a string")?),
            "tools" => chat.tools = tool::decode_tools(value, &mut chat.extra)?,
            "tool_choice" => chat.tool_choice = tool::decode_choice(value, &mut chat.extra)?,
            "parallel_tool_calls" => chat.parallel_tools = Some(Given::new(flag(value, key)?, "parallel_tool_calls")),
            "max_output_tokens" => {
                let most = value.whole().filter(|number| *number > 0);
                chat.max_tokens = Some(Given::new(want(most, key, "a whole number above 0")?, "max_output_tokens"));
            }
            "temperature" => {
                chat.sampling.temperature = Some(Given::new(want(value.number(), key, "a number")?, "temperature"));
            }
            "top_p" => chat.sampling.top_p = Some(Given::new(want(value.number(), key, "a number")?, "top_p")),
            "top_logprobs" => top_logprobs = Some(want(value.whole(), key, "a whole number")?),
            "include" => include_logprobs = options::decode_include(value, &mut chat.extra)?,
            "text" => options::decode_text(value, &mut chat)?,
            "reasoning" => chat.reasoning = options::decode_reasoning(value, &mut chat.extra)?,
            "user" => chat.user = Some(Given::new(want(value.string(), key, "a string")?, "user")),
            "safety_identifier" => {
                chat.safety_identifier = Some(Given::new(want(value.string(), key, "a string")?, "safety_identifier"));
            }
            "prompt_cache_key" => {
                chat.prompt_cache_key = Some(Given::new(want(value.string(), key, "a string")?, "prompt_cache_key"));
            }
            "service_tier" => chat.service_tier = Some(decode_tier(value)?),
            "metadata" => {
                let members = want(value.members(), key, "an object")?;
                chat.metadata = (!members.is_empty()).then(|| Given::new(value.text(), "metadata"));
            }
            "store" => chat.store = Some(Given::new(flag(value, key)?, "store")),
            "background" if flag(value, key)? => {
                return Err(InvalidRequest::new(key, "an answer in the background cannot be translated; leave it out"));
            }
            "previous_response_id" | "conversation" => return Err(no_state(key)),
            "prompt" => {
                let message = "the provider has no stored prompts; send its text in instructions and input";
                return Err(InvalidRequest::new(key, message));
            }
            _ if is_default(key, value) => {}
            _ => chat.extra.push(key.to_owned()),
        }
    }
    if chat.messages.is_empty() {
        return Err(InvalidRequest::new("input", "must be a text or have at least one item that can be translated"));
    }
    if let Some(text) = instructions {
        let part = Part { block: Block::Text(text), cache: None, path: "instructions".to_owned() };
        chat.messages.insert(0, Message { role: Role::System, parts: vec![part], path: "instructions".to_owned() });
    }
    // Either asks for them: `include` for the tokens themselves, `top_logprobs` for alternatives too.
    chat.logprobs = match (include_logprobs, top_logprobs.filter(|most| *most > 0)) {
        (_, Some(most)) => Some(Given::new(most, "top_logprobs")),
        (Some(path), None) => Some(Given::new(0, path)),
        (None, None) => None,
    };
    Ok(chat)
}

fn flag(value: Node<'_>, path: &str) -> Result<bool, InvalidRequest> {
    want(value.boolean(), path, "true or false")
}

fn no_state(key: &str) -> InvalidRequest {
    let message = "the provider keeps no conversations; send the whole conversation in input, the items of earlier \
                   responses included";
    InvalidRequest::new(key, message)
}

fn decode_tier(value: Node<'_>) -> Result<Given<ServiceTier<'_>>, InvalidRequest> {
    let word = want(value.string(), "service_tier", "a string")?;
    let tier = match &*word {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        "priority" => ServiceTier::Priority,
        "flex" => ServiceTier::Flex,
        _ => ServiceTier::Other(word),
    };
    Ok(Given::new(tier, "service_tier"))
}

/// Whether the member says what the API does anyway.
fn is_default(key: &str, value: Node<'_>) -> bool {
    match key {
        "background" => value.boolean() == Some(false),
        "truncation" => value.text() == "\"disabled\"",
        "prompt_cache_retention" => value.text() == "\"in_memory\"",
        // Padding of events against guessing by length: what we encode has none to leave out.
        "stream_options" => {
            let members = value.members().unwrap_or_default();
            members.iter().all(|(key, value)| key == "include_obfuscation" && value.boolean() != Some(true))
        }
        "context_management" => value.elements().is_some_and(|all| all.is_empty()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Effort, Reasoning, ResponseFormat};

    fn decode(body: &str) -> Result<Chat<'_>, InvalidRequest> {
        decode_request(body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
    }

    #[test]
    fn instructions_come_before_the_input() {
        let chat = decode(r#"{"model":"m","input":"Hi","instructions":"Be brief."}"#).unwrap();
        let said: Vec<_> = chat.messages.iter().map(|m| (m.role, &m.parts[0].block, m.path.as_str())).collect();
        assert_eq!(
            said,
            [
                (Role::System, &Block::Text("Be brief.".into()), "instructions"),
                (Role::User, &Block::Text("Hi".into()), "input"),
            ],
        );
        assert!(chat.extra.is_empty());
    }

    #[test]
    fn state_of_the_provider_is_refused_with_what_to_send_instead() {
        for (member, says) in [
            (r#""previous_response_id":"resp_1""#, "whole conversation"),
            (r#""conversation":"conv_1""#, "whole conversation"),
            (r#""prompt":{"id":"pmpt_1"}"#, "send its text"),
            (r#""background":true"#, "leave it out"),
        ] {
            let refusal = decode(&format!(r#"{{"input":"Hi",{member}}}"#)).unwrap_err();
            assert!(refusal.message.contains(says), "{refusal}");
            assert!(member.contains(&refusal.param.unwrap()), "{member}");
        }
        assert!(decode(r#"{"input":"Hi","previous_response_id":null,"background":false}"#).is_ok());
    }

    #[test]
    fn every_member_has_a_place_or_is_left_over() {
        let chat = decode(
            r#"{"input":"Hi","max_output_tokens":99,"temperature":0.5,"top_p":0.9,"top_logprobs":3,
            "include":["reasoning.encrypted_content","message.output_text.logprobs","file_search_call.results"],
            "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"},
            "reasoning":{"effort":"high","summary":"auto"},"user":"u","safety_identifier":"s","prompt_cache_key":"k",
            "service_tier":"flex","metadata":{"a":"b"},"store":false,"parallel_tool_calls":false,"truncation":"auto",
            "max_tool_calls":3,"stream_options":{"include_obfuscation":false},"something_new":1}"#,
        )
        .unwrap();
        assert_eq!(chat.max_tokens, Some(Given::new(99, "max_output_tokens")));
        assert_eq!(chat.logprobs, Some(Given::new(3, "top_logprobs")));
        assert_eq!(chat.metadata, Some(Given::new(r#"{"a":"b"}"#, "metadata")));
        assert_eq!(chat.store, Some(Given::new(false, "store")));
        assert_eq!(chat.verbosity, Some(Given::new("low".into(), "text.verbosity")));
        assert_eq!(chat.service_tier, Some(Given::new(ServiceTier::Flex, "service_tier")));
        let reasoning = Reasoning { effort: Some(Effort::High), budget: None, visible: Some(true) };
        assert_eq!(chat.reasoning, Some(Given::new(reasoning, "reasoning")));
        let format = ResponseFormat::JsonSchema {
            schema: r#"{"type":"object"}"#.into(),
            name: Some("n".into()),
            description: None,
            strict: Some(true),
        };
        assert_eq!(chat.response_format, Some(Given::new(format, "text.format")));
        assert_eq!(chat.extra, ["include.2", "truncation", "max_tool_calls", "something_new"]);
    }

    #[test]
    fn an_empty_input_is_refused() {
        for body in [r#"{"model":"m"}"#, r#"{"input":[]}"#, r#"{"input":null}"#] {
            assert_eq!(decode(body).unwrap_err().param.as_deref(), Some("input"));
        }
        assert_eq!(decode(r#"{"input":5}"#).unwrap_err().to_string(), "input: must be a string or a list of items");
    }
}
