//! Prices as the protocol has them.

use tollgate_proto::v1;

use crate::domain::price::{Price, Rates, Tier};

/// The price of this model; the empty name is the target's own.
pub(super) fn wire(model: String, price: Price) -> v1::Price {
    let Price { version, rates, tiers: from } = price;
    let tier =
        |tier: Tier| v1::Tier { above_input_tokens: tier.above_input_tokens, rates: Some(wire_rates(tier.rates)) };
    v1::Price { model, version, rates: Some(wire_rates(rates)), tiers: from.into_iter().map(tier).collect() }
}

fn wire_rates(from: Rates) -> v1::Rates {
    let Rates { input, output, cache_read, cache_write_5m, cache_write_1h, audio_in, audio_out } = from;
    v1::Rates { input, output, cache_read, cache_write_5m, cache_write_1h, audio_in, audio_out }
}
