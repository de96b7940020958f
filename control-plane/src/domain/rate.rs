//! Rates: dollars per million tokens outside, pico-dollars per token inside, exactly.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Pico-dollars per token of a decimal in dollars per million tokens: `2.50` is 2,500,000.
///
/// `None` for what is no plain decimal from 0 to 1,000,000 or is finer than a pico-dollar.
pub fn parse(text: &str) -> Option<u64> {
    let dollars = Decimal::from_str_exact(text).ok()?;
    let pico = dollars.checked_mul(Decimal::from(1_000_000_u32))?;
    if dollars.is_sign_negative() || dollars > Decimal::from(1_000_000_u32) || !pico.fract().is_zero() {
        return None;
    }
    pico.to_u64()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn rates_are_exact() {
        assert_eq!(parse("1"), Some(1_000_000));
        assert_eq!(parse("0.003625"), Some(3_625));
        assert_eq!(parse("2.50"), Some(2_500_000));
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("1000000"), Some(1_000_000_000_000));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for wrong in ["-1", "0.0000001", "1000001", "1e3", "abc", "", "1,5"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
