//! What both sides read or write alike: spellings of names, parts of contents, words of enumerations, the media types of
//! addresses, and the bytes that Google counts in a text.

pub(super) mod media_type;
pub(super) mod offsets;
pub(super) mod part;
pub(super) mod spelling;
pub(super) mod word;
