//! What an exchange used, in buckets that do not overlap.

/// Tokens of one exchange in disjoint buckets, except [`reasoning`](Self::reasoning), which is a part of
/// [`output`](Self::output).
///
/// Whether a provider's own "input" includes cached tokens is settled once, in the `usage` module of its format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was neither read from nor written to a prompt cache, text and images.
    pub input: u64,
    /// Input read from a prompt cache.
    pub cache_read: u64,
    /// Input written to a prompt cache that lives five minutes (or whose lifetime the provider does not state).
    pub cache_write_5m: u64,
    /// Input written to a prompt cache that lives an hour.
    pub cache_write_1h: u64,
    /// Output, reasoning included, audio not.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
    /// Audio input.
    pub audio_in: u64,
    /// Audio output.
    pub audio_out: u64,
}

impl Usage {
    /// What both used together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_in: self.audio_in.saturating_add(other.audio_in),
            audio_out: self.audio_out.saturating_add(other.audio_out),
        }
    }

    /// All input, cached and audio included.
    #[must_use]
    pub fn total_input(&self) -> u64 {
        [self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.audio_in]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// All output, audio included.
    #[must_use]
    pub fn total_output(&self) -> u64 {
        self.output.saturating_add(self.audio_out)
    }
}
