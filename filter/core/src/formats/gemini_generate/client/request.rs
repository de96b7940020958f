//! A client's request, decoded.

use super::{
    config, content,
    fields::{boolean, list, word},
    tool,
};
use crate::{
    canonical::{Chat, Given, ServiceTier},
    dialect::{InvalidRequest, want},
    formats::gemini_generate::wire::spelling::camel,
    json::{Envelope, Node},
};

/// Decodes a request: <https://ai.google.dev/api/generate-content#request-body>.
///
/// Members that the model has no place for end in [`Chat::extra`], unless their value is the default.
pub(super) fn decode_request<'a>(body: &'a [u8], envelope: &Envelope) -> Result<Chat<'a>, InvalidRequest> {
    let mut chat = Chat::default();
    let mut system = None;
    for member in envelope.members() {
        let key = camel(member.key.as_str().into());
        let value = want(member.node(body), &key, "valid JSON")?;
        if value.is_null() {
            continue;
        }
        match &*key {
            // Ours: the path names the model.
            "model" => {}
            "contents" => chat.messages = content::decode_contents(value, &mut chat.extra)?,
            "systemInstruction" => system = content::decode_system(value, &mut chat.extra)?,
            "tools" => {
                chat.tools.clear();
                for (index, tool) in list(value).into_iter().enumerate() {
                    tool::decode_tool(tool, &format!("tools.{index}"), &mut chat)?;
                }
            }
            "toolConfig" => tool::decode_config(value, &mut chat)?,
            "generationConfig" => config::decode(value, &mut chat)?,
            "safetySettings" if value.elements().is_some_and(|all| all.is_empty()) => {}
            "cachedContent" if value.string().is_some_and(|name| name.is_empty()) => {}
            "cachedContent" => {
                return Err(InvalidRequest::new(
                    "cachedContent",
                    "the cached content is kept at Google, and the model is served elsewhere; send the contents themselves",
                ));
            }
            "labels" => {
                let labels = want(value.members(), &key, "an object")?;
                if !labels.is_empty() {
                    chat.metadata = Some(Given::new(value.text(), "labels"));
                }
            }
            "serviceTier" => chat.service_tier = decode_tier(value)?,
            "store" => chat.store = Some(Given::new(boolean(value, &key)?, "store")),
            _ => chat.extra.push(key.into_owned()),
        }
    }
    if chat.messages.is_empty() {
        return Err(InvalidRequest::new("contents", "must have at least one content"));
    }
    if let Some(system) = system {
        chat.messages.insert(0, system);
    }
    Ok(chat)
}

fn decode_tier(value: Node<'_>) -> Result<Option<Given<ServiceTier<'_>>>, InvalidRequest> {
    let word = word(value, "serviceTier")?;
    let tier = match word.as_str() {
        "UNSPECIFIED" | "SERVICE_TIER_UNSPECIFIED" => return Ok(None),
        "STANDARD" => ServiceTier::Standard,
        "FLEX" => ServiceTier::Flex,
        "PRIORITY" => ServiceTier::Priority,
        _ => ServiceTier::Other(word.to_ascii_lowercase().into()),
    };
    Ok(Some(Given::new(tier, "serviceTier")))
}
