//! What anybody else can make us hold or walk, at most.

/// How deep arrays and objects of one JSON text may stand in each other.
pub const MAX_DEPTH: usize = 128;
