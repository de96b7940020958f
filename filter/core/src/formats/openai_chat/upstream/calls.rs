//! Calls of tools in an answer, told apart by index or id.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    blocks::{Blocks, Key},
    extra::{ExtraWire, text_of},
    ids,
};
use crate::{
    canonical::Event,
    dialect::{ResponseError, Sink},
    json::Text,
};

/// A tool call, or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct CallWire<'e> {
    index: Option<u64>,
    #[serde(borrow)]
    id: Option<Text<'e>>,
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
    #[serde(borrow)]
    function: Option<FunctionWire<'e>>,
    #[serde(borrow)]
    extra_content: Option<ExtraWire<'e>>,
}

/// The function of a call.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionWire<'e> {
    #[serde(borrow)]
    name: Option<Text<'e>>,
    /// JSON text; some give the object itself.
    #[serde(borrow)]
    arguments: Option<&'e RawValue>,
}

/// The calls of one choice, told apart.
///
/// OpenAI's rule is that the index tells, and that id and name come with a call's first piece
/// (<https://platform.openai.com/docs/api-reference/chat-streaming>). Others repeat both in each piece, give no index, give
/// one index to all of them (Gemini's compatible API), give no id, or give the name later.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    /// The provider's; empty where it gave none.
    id: String,
    begun: bool,
}

/// The most calls in one choice.
const MAX_CALLS: usize = 256;

/// The longest id or name of a call, in bytes: they are kept.
const MAX_WORD: usize = 4 << 10;

/// Which answer and which of its choices, for ids that are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    pub(super) answer: &'p str,
    pub(super) choice: u32,
}

impl Calls {
    pub(super) fn tell(
        &mut self,
        wire: CallWire<'_>,
        place: Place<'_>,
        blocks: &mut Blocks,
        sink: Sink<'_>,
    ) -> Result<(), ResponseError> {
        let Some(FunctionWire { name, arguments }) = wire.function else {
            if wire.r#type.is_some_and(|kind| kind.0 != "function") {
                sink(Event::Lost { path: "tool_calls".into(), reason: "other formats know calls of functions only" });
            }
            return Ok(());
        };
        let (id, name) = (wire.id.unwrap_or_default().0, name.unwrap_or_default().0);
        if id.len() > MAX_WORD || name.len() > MAX_WORD {
            return Err(ResponseError::TooLarge);
        }
        let Some((at, call)) = self.find(wire.index, &id, !name.is_empty())? else { return Ok(()) };
        let arguments = match arguments.filter(|arguments| arguments.get() != "null") {
            Some(arguments) => text_of(arguments).unwrap_or_else(|| arguments.get().into()),
            None => "".into(),
        };
        if !call.begun && (!name.is_empty() || !arguments.is_empty()) {
            call.begun = true;
            if let Some(extra) = wire.extra_content {
                extra.tell(blocks, sink);
            }
            if call.id.is_empty() {
                blocks.call(at, &ids::make(place.answer, place.choice, at), &name, sink);
            } else {
                blocks.call(at, &call.id, &name, sink);
            }
        }
        blocks.tell(Key::Call(at), &arguments, sink)
    }

    /// What calls were before there could be several.
    pub(super) fn tell_function(
        &mut self,
        function: FunctionWire<'_>,
        place: Place<'_>,
        blocks: &mut Blocks,
        sink: Sink<'_>,
    ) -> Result<(), ResponseError> {
        let wire = CallWire { index: Some(0), id: None, r#type: None, function: Some(function), extra_content: None };
        self.tell(wire, place, blocks, sink)
    }

    /// The call that a piece belongs to, a new one where it must be.
    fn find(&mut self, index: Option<u64>, id: &str, named: bool) -> Result<Option<(usize, &mut Call)>, ResponseError> {
        let known = match index {
            // Another id at the same index is another call.
            Some(_) => self.0.iter().rposition(|call| call.index == index).filter(|at| {
                let known = self.0.get(*at).map_or("", |call| &*call.id);
                id.is_empty() || known.is_empty() || known == id
            }),
            None if !id.is_empty() => self.0.iter().rposition(|call| call.id == id),
            None if named => None,
            None => self.0.len().checked_sub(1),
        };
        let at = match known {
            Some(at) => at,
            None if self.0.len() >= MAX_CALLS => return Err(ResponseError::TooLarge),
            None => {
                self.0.push(Call { index, id: id.to_owned(), begun: false });
                self.0.len().saturating_sub(1)
            }
        };
        Ok(self.0.get_mut(at).map(|call| (at, call)))
    }
}
