//! The steps of an answer, streamed or whole.

use std::borrow::Cow;

use super::{Seal, Usage};

/// One step of an answer. A whole answer is the same steps at once.
///
/// The order: `Start`, then for each block `BlockStart`, `BlockDelta`s, `BlockStop`, then `Finish`, then `End`. `Usage` may
/// come at any time, later figures replace earlier ones; `Ping` and `Lost` too. Blocks of one choice do not overlap.
/// Where there are several choices, each has its own blocks and its own `Finish`, and `Choice` says whose turn it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// The answer begins.
    Start {
        /// The model that answers, as the provider names it.
        model: Cow<'a, str>,
    },
    /// What follows belongs to this choice, until another is named. The first choice is 0 and need not be.
    Choice(u32),
    /// A block begins.
    BlockStart(BlockStart<'a>),
    /// The block goes on.
    BlockDelta(Delta<'a>),
    /// The block is complete.
    BlockStop,
    /// All figures known so far.
    Usage {
        /// The figures.
        usage: Usage,
        /// Whether the provider will not change them any more.
        terminal: bool,
    },
    /// Why the answer (this choice of it) ends.
    Finish(Finish<'a>),
    /// The answer is complete.
    End,
    /// Nothing, so that the connection stays alive.
    Ping,
    /// Something of the answer has no place in this model, and is passed over.
    Lost {
        /// Where it stood in the provider's answer, without indexes: `content.server_tool_use`.
        path: Cow<'static, str>,
        /// Why, for people.
        reason: &'static str,
    },
}

/// The kind of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockStart<'a> {
    /// Text for the user.
    Text,
    /// The model's words when it refuses.
    Refusal,
    /// Reasoning. Its seal, where it has one, comes as a delta.
    Thinking,
    /// A call of a tool.
    ToolUse {
        /// The id that its result will name; never empty: a decoder makes one where the provider gives none.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
    },
}

/// More of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta<'a> {
    /// More text, of a text or a refusal.
    Text(Cow<'a, str>),
    /// More reasoning.
    Thinking(Cow<'a, str>),
    /// The seal of the reasoning, whole.
    Seal(Seal<'a>),
    /// More of the arguments' JSON text. All of them together are the text of one object.
    Input(Cow<'a, str>),
    /// Where something of the text comes from.
    Citation(Citation<'a>),
    /// The tokens of the text just given.
    Logprobs(Vec<TokenLogprob>),
}

/// Where something of a text comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation<'a> {
    /// Its address.
    pub url: Option<Cow<'a, str>>,
    /// Its title, or a document's name.
    pub title: Option<Cow<'a, str>>,
    /// The words of the source.
    pub cited_text: Option<Cow<'a, str>>,
    /// Where the words that it stands behind begin and end in the block's text, in characters. A decoder that is not told
    /// gives none.
    pub span: Option<(u64, u64)>,
}

impl Citation<'_> {
    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> Citation<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Citation { url: own(self.url), title: own(self.title), cited_text: own(self.cited_text), span: self.span }
    }
}

/// One token with its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogprob {
    /// Its text.
    pub token: String,
    /// Natural logarithm.
    pub logprob: f64,
    /// The likeliest others, and often itself.
    pub top: Vec<(String, f64)>,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish<'a> {
    /// Why.
    pub reason: FinishReason,
    /// The stop text that it met, where the provider tells.
    pub stop_sequence: Option<Cow<'a, str>>,
}

impl From<FinishReason> for Finish<'_> {
    fn from(reason: FinishReason) -> Self {
        Self { reason, stop_sequence: None }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It was complete.
    Stop,
    /// It met a stop text, where the provider tells that from completeness.
    StopSequence,
    /// It met the output cap.
    Length,
    /// It met the end of the context window.
    ContextFull,
    /// It wants tools to be called.
    ToolUse,
    /// The model would not go on.
    Refusal,
    /// A filter of the provider stopped it.
    Filter,
    /// The provider paused a long turn, to be sent back as it is.
    Paused,
    /// What the model wrote could not be read by the provider.
    Malformed,
}
