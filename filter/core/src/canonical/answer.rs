//! A whole answer, gathered from the events of a stream or of a response.

use super::{BlockStart, Citation, Delta, Event, Finish, Seal, TokenLogprob, Usage};

/// A whole answer, gathered from its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The model that answered.
    pub model: String,
    /// What it said; never more than one for a client that did not ask for more.
    pub choices: Vec<Choice>,
    /// What it used.
    pub usage: Option<Usage>,
    current: usize,
}

/// One of several answers to the same question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What was said, in order.
    pub blocks: Vec<AnswerBlock>,
    /// Why it ended; `None` while it has not.
    pub finish: Option<Finish<'static>>,
}

/// A complete block.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "see BlockStart and Delta")]
pub enum AnswerBlock {
    Text { text: String, citations: Vec<Citation<'static>>, logprobs: Vec<TokenLogprob> },
    Refusal(String),
    Thinking { text: String, seal: Option<Seal<'static>> },
    ToolUse { id: String, name: String, input: String },
}

/// Most choices that are gathered: OpenAI's limit for `n` is 128.
const MAX_CHOICES: usize = 128;

impl Answer {
    /// Adds the next event.
    pub fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Start { model } => self.model = model.into_owned(),
            Event::Choice(index) => self.current = usize::try_from(index).unwrap_or(usize::MAX),
            Event::BlockStart(start) => {
                let block = match start {
                    BlockStart::Text => {
                        AnswerBlock::Text { text: String::new(), citations: Vec::new(), logprobs: Vec::new() }
                    }
                    BlockStart::Refusal => AnswerBlock::Refusal(String::new()),
                    BlockStart::Thinking => AnswerBlock::Thinking { text: String::new(), seal: None },
                    BlockStart::ToolUse { id, name } => {
                        AnswerBlock::ToolUse { id: id.into_owned(), name: name.into_owned(), input: String::new() }
                    }
                };
                if let Some(choice) = self.choice() {
                    choice.blocks.push(block);
                }
            }
            Event::BlockDelta(delta) => {
                if let Some(block) = self.choice().and_then(|choice| choice.blocks.last_mut()) {
                    block.add(delta);
                }
            }
            Event::Usage { usage, .. } => self.usage = Some(usage),
            Event::Finish(Finish { reason, stop_sequence }) => {
                let stop_sequence = stop_sequence.map(|text| text.into_owned().into());
                if let Some(choice) = self.choice() {
                    choice.finish = Some(Finish { reason, stop_sequence });
                }
            }
            Event::BlockStop | Event::End | Event::Ping | Event::Lost { .. } => {}
        }
    }

    fn choice(&mut self) -> Option<&mut Choice> {
        if self.current < MAX_CHOICES && self.choices.len() <= self.current {
            self.choices.resize_with(self.current.saturating_add(1), Choice::default);
        }
        self.choices.get_mut(self.current)
    }
}

impl AnswerBlock {
    /// A decoder gives deltas of the kind its block has; others change nothing.
    fn add(&mut self, delta: Delta<'_>) {
        match (self, delta) {
            (Self::Text { text, .. } | Self::Refusal(text), Delta::Text(more))
            | (Self::Thinking { text, .. }, Delta::Thinking(more))
            | (Self::ToolUse { input: text, .. }, Delta::Input(more)) => text.push_str(&more),
            (Self::Text { citations, .. }, Delta::Citation(citation)) => citations.push(citation.into_owned()),
            (Self::Text { logprobs, .. }, Delta::Logprobs(more)) => logprobs.extend(more),
            (Self::Thinking { seal, .. }, Delta::Seal(given)) => *seal = Some(given.into_owned()),
            _ => {}
        }
    }
}
