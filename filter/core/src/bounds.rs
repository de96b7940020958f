//! What anybody else can make us hold or walk, at most.

/// The most that one event of a stream may have, in bytes, whatever frames it: 16 MiB.
pub const MAX_EVENT: usize = 16 << 20;
