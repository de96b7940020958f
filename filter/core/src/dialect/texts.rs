//! The texts of a request, for whoever counts, checks or masks them.

use std::ops::Range;

use crate::json::Node;

/// A text of a request that a person or a model wrote, or a tool of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestText<'t> {
    /// Who wrote it.
    pub author: Author,
    /// As what.
    pub kind: TextKind,
    /// The JSON string, as it stands in the body.
    pub node: Node<'t>,
    /// Where in the body it stands, quotation marks included, in bytes: what a text in its place replaces.
    pub at: Range<usize>,
}

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Who made the application: system prompts, developer messages, instructions.
    System,
    /// Who uses it.
    User,
    /// The model, in an earlier turn.
    Assistant,
    /// A tool, in its result.
    Tool,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// What is said, and what documents and results say.
    Words,
    /// What the model thought. It may be sealed: a provider then takes it back only as it was.
    Reasoning,
    /// The arguments of a call: their JSON text where the format has them so, else every string among them.
    Arguments,
}

/// Shows the texts of one body to a visitor.
pub(crate) struct Texts<'v, 't> {
    pub(crate) body: &'t [u8],
    pub(crate) visit: &'v mut dyn FnMut(RequestText<'t>),
}

impl<'t> Texts<'_, 't> {
    /// Shows every string in `node`, or `node` itself where it is one.
    pub(crate) fn show(&mut self, author: Author, kind: TextKind, node: Node<'t>) {
        let base = self.body.as_ptr().addr();
        node.each_string(&mut |node| {
            let start = node.text().as_ptr().addr().saturating_sub(base);
            let at = start..start.saturating_add(node.text().len());
            (self.visit)(RequestText { author, kind, node, at });
        });
    }

    /// Shows what is said.
    pub(crate) fn words(&mut self, author: Author, node: Node<'t>) {
        self.show(author, TextKind::Words, node);
    }

    /// Calls `one` with each element of a list, or with `node` itself where it is none.
    pub(crate) fn each(&mut self, node: Node<'t>, mut one: impl FnMut(&mut Self, Node<'t>)) {
        if node.each_element(&mut |element| one(self, element)).is_none() {
            one(self, node);
        }
    }
}

/// How deep contents are followed into each other: a result in a message, a document in that, its text in that. Deeper than any
/// format goes, all strings are shown.
pub(crate) const MAX_NESTED: u8 = 4;
