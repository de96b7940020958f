//! From tokens to money, in integers.
//!
//! Rates are pico-dollars (1e-12 USD) per token, so that a price of one cent per million tokens is still a whole number.
//! A cost is nano-dollars (1e-9 USD), rounded half up once, after all buckets are summed.
//!
//! A bucket without a rate of its own is priced as follows, never as free: a cache read as plain input; a five-minute
//! cache write as plain input; a one-hour cache write as a five-minute one; audio as text of the same direction.

use crate::canonical::Usage;

/// Pico-dollars per token, by bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Uncached input.
    pub input: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// Cache reads.
    pub cache_read: Option<u64>,
    /// Cache writes for five minutes.
    pub cache_write_5m: Option<u64>,
    /// Cache writes for an hour.
    pub cache_write_1h: Option<u64>,
    /// Audio input.
    pub audio_in: Option<u64>,
    /// Audio output.
    pub audio_out: Option<u64>,
}

/// What a target costs, and which entry of which book says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// `book@<date>` or `config@<digest>`.
    pub version: std::rc::Rc<str>,
    /// Rates of a request whose input exceeds no tier.
    pub rates: Rates,
    /// `(bound, rates)`, ascending: the last one whose bound the whole input exceeds applies to all of the request.
    pub tiers: Vec<(u64, Rates)>,
}

/// Nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NanoUsd(pub i64);

impl Price {
    /// What this usage costs.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> NanoUsd {
        let input = usage.total_input();
        let tier = self.tiers.iter().rev().find(|(bound, _)| input > *bound);
        let rates = tier.map_or(&self.rates, |(_, rates)| rates);
        let write_5m = rates.cache_write_5m.unwrap_or(rates.input);
        let pico: u128 = [
            (usage.input, rates.input),
            (usage.cache_read, rates.cache_read.unwrap_or(rates.input)),
            (usage.cache_write_5m, write_5m),
            (usage.cache_write_1h, rates.cache_write_1h.unwrap_or(write_5m)),
            (usage.output, rates.output),
            (usage.audio_in, rates.audio_in.unwrap_or(rates.input)),
            (usage.audio_out, rates.audio_out.unwrap_or(rates.output)),
        ]
        .into_iter()
        .map(|(tokens, rate)| u128::from(tokens).saturating_mul(u128::from(rate)))
        .fold(0, u128::saturating_add);
        NanoUsd(i64::try_from(pico.saturating_add(500) / 1000).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price() -> Price {
        let rates = Rates { input: 3_000_000, output: 15_000_000, cache_read: Some(300_000), ..Rates::default() };
        Price { version: "book@2026-11-01".into(), rates, tiers: Vec::new() }
    }

    #[test]
    fn sums_disjoint_buckets() {
        let usage = Usage { input: 1_000_000, cache_read: 1_000_000, output: 1_000_000, ..Usage::default() };
        assert_eq!(price().cost(&usage), NanoUsd(3_000_000_000 + 300_000_000 + 15_000_000_000));
    }

    #[test]
    fn reasoning_is_a_part_of_output_and_not_charged_again() {
        let usage = Usage { output: 10, reasoning: 8, ..Usage::default() };
        assert_eq!(price().cost(&usage), NanoUsd(150_000));
    }

    #[test]
    fn a_bucket_without_a_rate_is_not_free() {
        let usage = Usage { cache_write_1h: 1, ..Usage::default() };
        assert_eq!(price().cost(&usage), NanoUsd(3_000));
    }

    #[test]
    fn rounds_half_up_once() {
        let rates = Rates { input: 20, output: 480, ..Rates::default() };
        let price = Price { rates, ..price() };
        assert_eq!(price.cost(&Usage { input: 1, output: 1, ..Usage::default() }), NanoUsd(1));
        assert_eq!(price.cost(&Usage { input: 1, ..Usage::default() }), NanoUsd(0));
    }

    #[test]
    fn the_highest_tier_that_the_whole_input_exceeds_applies() {
        let dearer = Rates { input: 6_000_000, ..Rates::default() };
        let price = Price { tiers: vec![(100, dearer)], ..price() };
        assert_eq!(price.cost(&Usage { input: 100, ..Usage::default() }), NanoUsd(300_000));
        assert_eq!(price.cost(&Usage { input: 61, cache_read: 40, ..Usage::default() }), NanoUsd(606_000));
    }

    #[test]
    fn huge_figures_saturate() {
        let usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
        assert_eq!(price().cost(&usage), NanoUsd(i64::MAX));
    }
}
