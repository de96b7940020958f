//! What anybody else can make us hold or walk, at most.

/// The most that one event of a stream may have, in bytes, whatever frames it: 16 MiB.
pub const MAX_EVENT: usize = 16 << 20;

/// How deep arrays and objects of one JSON text may stand in each other.
pub const MAX_DEPTH: usize = 128;

/// The most that a response may have, in bytes, when all of it must be held to be translated: 16 MiB.
pub const MAX_WHOLE: usize = 16 << 20;
