use std::borrow::Cow;

use super::Usage;

/// One step of an answer. A whole answer is the same steps at once.
///
/// The order: `Start`, then for each block `BlockStart`, `BlockDelta`s, `BlockStop`, then `Finish`, then `End`. `Usage` may
/// come at any time, later figures replace earlier ones; `Ping` too. Blocks do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The answer begins.
    Start {
        /// The model that answers, as the provider names it.
        model: Cow<'a, str>,
    },
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
    /// Why the answer ends.
    Finish(FinishReason),
    /// The answer is complete.
    End,
    /// Nothing, so that the connection stays alive.
    Ping,
}

/// The kind of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockStart<'a> {
    /// Text for the user.
    Text,
    /// Reasoning.
    Thinking,
    /// A call of a tool.
    ToolUse {
        /// The id that its result will name.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
    },
}

/// More of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta<'a> {
    /// More text.
    Text(Cow<'a, str>),
    /// More reasoning.
    Thinking(Cow<'a, str>),
    /// More of the arguments' JSON text.
    Input(Cow<'a, str>),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It was complete, or met a stop text.
    Stop,
    /// It met the output cap or the end of the context.
    Length,
    /// It wants tools to be called.
    ToolUse,
    /// The provider would not go on.
    Refusal,
}
