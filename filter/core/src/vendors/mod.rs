//! What is a vendor's rather than a format's: rules that hold wherever its models are served, and wire shapes that
//! several of its APIs share. Formats take from here what they would otherwise take from each other.

pub(crate) mod claude;
pub(crate) mod openai;
