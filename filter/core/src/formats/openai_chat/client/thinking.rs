//! Reasoning that a client sends back, in the several members that it may stand in.

use serde::Deserialize;

use super::{super::wire::reasoning::Detail, part::part};
use crate::{
    canonical::{Block, Part, Seal, Vendor},
    dialect::{InvalidRequest, want},
    json::{Node, Text},
};

/// The members of an assistant's message that reasoning comes back in. They say the same thing more or less fully.
#[derive(Default)]
pub(super) struct Recalled<'a> {
    /// `reasoning_details`, OpenRouter's.
    pub(super) details: Option<(Node<'a>, String)>,
    /// `thinking_blocks`, LiteLLM's: <https://docs.litellm.ai/docs/reasoning_content>.
    pub(super) blocks: Option<(Node<'a>, String)>,
    /// `reasoning_content`, or `reasoning`.
    pub(super) words: Option<(Node<'a>, String)>,
}

/// One piece of reasoning, and its place in the message where that is told.
struct Piece<'a> {
    part: Part<'a>,
    index: Option<u64>,
}

impl<'a> Recalled<'a> {
    /// Puts the reasoning before or between what else the message says.
    pub(super) fn join(self, parts: &mut Vec<Part<'a>>, extra: &mut Vec<String>) -> Result<(), InvalidRequest> {
        let mut pieces = match (self.details, self.blocks) {
            (Some((details, path)), _) => read_details(details, &path, extra)?,
            (None, Some((blocks, path))) => read_blocks(blocks, &path)?,
            (None, None) => Vec::new(),
        };
        if let Some((words, path)) = self.words {
            let words = want(words.string(), &path, "a string")?;
            let is_told = pieces.iter().any(|piece| !text_of(&piece.part).is_empty());
            // A stream's seal comes without the words, which clients gather elsewhere.
            let sealed = pieces
                .iter_mut()
                .find(|piece| matches!(&piece.part.block, Block::Thinking { seal: Some(seal), .. } if !seal.redacted));
            match sealed {
                _ if is_told || words.is_empty() => {}
                Some(Piece { part: Part { block: Block::Thinking { text, .. }, .. }, .. }) => *text = words,
                _ => {
                    let thinking = Block::Thinking { text: words, seal: None };
                    pieces.insert(0, Piece { part: part(thinking, path), index: None });
                }
            }
        }
        let mut others = std::mem::take(parts).into_iter();
        for Piece { part, index } in pieces {
            let at = index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
            let between = at.saturating_sub(parts.len());
            parts.extend(others.by_ref().take(between));
            parts.push(part);
        }
        parts.extend(others);
        Ok(())
    }
}

fn read_details<'a>(list: Node<'a>, path: &str, extra: &mut Vec<String>) -> Result<Vec<Piece<'a>>, InvalidRequest> {
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for (position, detail) in want(list.elements(), path, "a list")?.into_iter().enumerate() {
        let at = format!("{path}.{position}");
        let detail = serde_json::from_str::<Detail<'a>>(detail.text()).ok();
        let told = want(detail, &at, "a reasoning detail: an object with a type")?.read();
        if told.lost {
            extra.push(format!("{at}.signature"));
        }
        let is_redacted = told.seal.as_ref().is_some_and(|seal| seal.redacted);
        let open = pieces.last_mut().filter(|piece| piece.index == told.index && !is_redacted);
        match open.map(|piece| &mut piece.part.block) {
            Some(Block::Thinking { text, seal: missing @ None }) => {
                text.to_mut().push_str(&told.text);
                *missing = told.seal;
            }
            _ if told.text.is_empty() && told.seal.is_none() => {}
            _ => {
                let thinking = Block::Thinking { text: told.text, seal: told.seal };
                pieces.push(Piece { part: part(thinking, at), index: told.index });
            }
        }
    }
    Ok(pieces)
}

fn read_blocks<'a>(list: Node<'a>, path: &str) -> Result<Vec<Piece<'a>>, InvalidRequest> {
    #[derive(Deserialize)]
    struct Wire<'e> {
        #[serde(borrow)]
        thinking: Option<Text<'e>>,
        #[serde(borrow)]
        signature: Option<Text<'e>>,
        #[serde(borrow)]
        data: Option<Text<'e>>,
    }

    let blocks = want(list.elements(), path, "a list")?.into_iter().enumerate();
    let pieces = blocks.map(|(position, block)| {
        let at = format!("{path}.{position}");
        let wire = serde_json::from_str::<Wire<'a>>(block.text()).ok();
        let Wire { thinking, signature, data } = want(wire, &at, "a thinking block")?;
        let redacted = data.is_some();
        let seal = data.or(signature).map(|seal| seal.0).filter(|seal| !seal.is_empty());
        let seal = seal.map(|data| Seal { vendor: Vendor::Anthropic, redacted, data });
        let text = thinking.unwrap_or_default().0;
        Ok(Piece { part: part(Block::Thinking { text, seal }, at), index: None })
    });
    pieces.collect()
}

fn text_of<'p>(part: &'p Part<'_>) -> &'p str {
    match &part.block {
        Block::Thinking { text, .. } => text,
        _ => "",
    }
}
