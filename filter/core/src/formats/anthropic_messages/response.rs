use serde::Deserialize;
use serde_json::value::RawValue;

use super::{error::decode_error, finish_reason, usage::Figures};
use crate::{
    canonical::{BlockStart, Delta, Event},
    formats::{RelayError, dialect::Sink},
    json::Text,
};

/// Decodes a whole message into the events of its answer. Blocks without a place in an answer are passed over, as in a
/// stream.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), RelayError> {
    if let Some(failure) = decode_error(body) {
        return Err(RelayError::Provider(failure));
    }
    let message: Wire<'_> = serde_json::from_slice(body).map_err(|error| RelayError::Malformed(error.to_string()))?;
    sink(Event::Start { model: message.model.0 });
    for block in message.content {
        let (start, delta) = match &*block.r#type.0 {
            "text" => (BlockStart::Text, Delta::Text(block.text.unwrap_or_default().0)),
            "thinking" => (BlockStart::Thinking, Delta::Thinking(block.thinking.unwrap_or_default().0)),
            "tool_use" => {
                let (id, name) = (block.id.unwrap_or_default().0, block.name.unwrap_or_default().0);
                let input = block.input.map_or("{}", RawValue::get);
                (BlockStart::ToolUse { id, name }, Delta::Input(input.into()))
            }
            _ => continue,
        };
        sink(Event::BlockStart(start));
        sink(Event::BlockDelta(delta));
        sink(Event::BlockStop);
    }
    // Without a reason it is complete all the same: it is one JSON text.
    sink(Event::Finish(finish_reason(message.stop_reason.as_ref().map_or("", |reason| &*reason.0)).into()));
    if let Some(usage) = message.usage.and_then(|figures| figures.usage()) {
        sink(Event::Usage { usage, terminal: true });
    }
    sink(Event::End);
    Ok(())
}

#[derive(Deserialize)]
struct Wire<'e> {
    #[serde(borrow, default)]
    model: Text<'e>,
    #[serde(borrow)]
    content: Vec<BlockWire<'e>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'e>>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct BlockWire<'e> {
    #[serde(borrow)]
    r#type: Text<'e>,
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    thinking: Option<Text<'e>>,
    #[serde(borrow)]
    id: Option<Text<'e>>,
    #[serde(borrow)]
    name: Option<Text<'e>>,
    #[serde(borrow)]
    input: Option<&'e RawValue>,
}
