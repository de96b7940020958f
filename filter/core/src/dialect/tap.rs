//! What watches a stream that passes unchanged.

use super::Frame;
use crate::canonical::Usage;

/// Watches a stream that passes unchanged.
pub(crate) trait Tap {
    /// Looks at the next frame. It should parse only those that can carry figures or an end.
    fn see(&mut self, frame: Frame<'_>) -> Sighting;

    /// Whether the provider said why its answer ended.
    fn finished(&self) -> bool;

    /// Whether the stream may end here.
    fn may_end(&self) -> bool;
}

/// What one frame of a passing stream was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Its figures, which replace earlier ones.
    pub(crate) usage: Option<Usage>,
    /// Whether the figures are the last ones, or those seen before were.
    pub(crate) terminal: bool,
    /// Whether it is there only because usage was asked for: the event that is taken out again for a client that did not.
    pub(crate) usage_only: bool,
    /// Whether it is the error that ends a stream which broke.
    pub(crate) failed: bool,
}
