//! The fastest of many rounds.

use std::time::{Duration, Instant};

/// Nanoseconds of one call in the fastest of many short rounds: what other programs do meanwhile only makes rounds slower.
pub(super) fn least(seconds: f64, once: &mut dyn FnMut()) -> f64 {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut calls = 1_u32;
    let mut best = f64::INFINITY;
    loop {
        let started = Instant::now();
        (0..calls).for_each(|_| once());
        let took = started.elapsed();
        best = best.min(took.as_nanos() as f64 / f64::from(calls));
        // Long enough for the clock, and short enough to fit between two interruptions.
        if took < ROUND && calls < u32::MAX / 2 {
            calls *= 2;
        }
        if Instant::now() >= end {
            return best;
        }
    }
}

const ROUND: Duration = Duration::from_micros(200);
