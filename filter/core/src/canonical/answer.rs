use super::{BlockStart, Delta, Event, FinishReason, Usage};

/// A whole answer, gathered from its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The model that answered.
    pub model: String,
    /// What it said, in order.
    pub blocks: Vec<AnswerBlock>,
    /// Why it ended; `None` while it has not.
    pub finish: Option<FinishReason>,
    /// What it used.
    pub usage: Option<Usage>,
}

/// A complete block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "see BlockStart and Delta")]
pub enum AnswerBlock {
    Text(String),
    Thinking(String),
    ToolUse { id: String, name: String, input: String },
}

impl Answer {
    /// Adds the next event.
    pub fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Start { model } => self.model = model.into_owned(),
            Event::BlockStart(BlockStart::Text) => self.blocks.push(AnswerBlock::Text(String::new())),
            Event::BlockStart(BlockStart::Thinking) => self.blocks.push(AnswerBlock::Thinking(String::new())),
            Event::BlockStart(BlockStart::ToolUse { id, name }) => {
                let (id, name) = (id.into_owned(), name.into_owned());
                self.blocks.push(AnswerBlock::ToolUse { id, name, input: String::new() });
            }
            Event::BlockDelta(delta) => match (self.blocks.last_mut(), delta) {
                (Some(AnswerBlock::Text(text)), Delta::Text(more))
                | (Some(AnswerBlock::Thinking(text)), Delta::Thinking(more))
                | (Some(AnswerBlock::ToolUse { input: text, .. }), Delta::Input(more)) => text.push_str(&more),
                // A decoder gives deltas of the kind its block has.
                _ => {}
            },
            Event::Usage { usage, .. } => self.usage = Some(usage),
            Event::Finish(reason) => self.finish = Some(reason),
            Event::BlockStop | Event::End | Event::Ping => {}
        }
    }
}
