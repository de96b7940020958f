//! What models cost.

pub use tollgate_core::meter::price::Rates;

/// The price of an upstream model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Which entry of which book: `book@<date>` or `config@<digest>`.
    pub version: String,
    /// Base rates.
    pub rates: Rates,
    /// Ascending: the last one whose bound the whole input exceeds replaces the base rates.
    pub tiers: Vec<Tier>,
}

/// Rates of requests with much input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Input tokens, cached ones included.
    pub above_input_tokens: u64,
    /// All rates, also those that do not change.
    pub rates: Rates,
}

/// A price of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceOverride {
    /// Whose model it is.
    pub scope: PriceScope,
    /// Upstream model.
    pub model: String,
    /// Base rates.
    pub rates: Rates,
    /// Ascending.
    pub tiers: Vec<Tier>,
}

/// Which providers a price of the file holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriceScope {
    /// `model: {…}`.
    AnyProvider,
    /// `provider/model: {…}`.
    Provider(String),
}
