//! What traffic is served by: all that a snapshot is compiled from.

use super::{Model, Provider, price::PriceOverride};

/// Providers, models and prices, without mistakes: every name that one of them refers to exists.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// In the order of the file, without those that were left out.
    pub providers: Vec<Provider>,
    /// In the order of the file, without those that were left out.
    pub models: Vec<Model>,
    /// Another name and the name it stands for at the end of its chain.
    pub aliases: Vec<(String, String)>,
    /// Prices that go before the built-in book.
    pub prices: Vec<PriceOverride>,
    /// Largest request body, in bytes.
    pub max_body: u64,
}

impl Policy {
    /// The provider of this name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }
}
