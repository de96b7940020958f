//! What models cost: the built-in book, and the prices of the configuration file before it.
//! A room of its own, because the file is checked without a book, and a snapshot is compiled with one.

mod book;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tollgate_core::words::model_name::undated;

pub use book::{Book, Entry, InvalidBook};

use crate::domain::{
    Provider,
    price::{Price, PriceOverride, PriceScope},
};

/// Finds the price of an upstream model at a provider.
#[derive(Debug)]
pub struct Prices<'a> {
    book: &'a Book,
    overrides: &'a [PriceOverride],
    overrides_version: String,
}

impl<'a> Prices<'a> {
    /// `overrides` go before `book`.
    pub fn new(book: &'a Book, overrides: &'a [PriceOverride]) -> Self {
        Self { book, overrides, overrides_version: overrides_version(overrides) }
    }

    /// The price of one model, or `None` for one that nobody knows.
    ///
    /// A dated name without an entry of its own has the price of the undated one.
    pub fn of(&self, provider: &Provider, model: &str) -> Option<Price> {
        let undated = undated(model);
        let names = std::iter::once(model).chain((undated != model).then_some(undated));
        names.clone().find_map(|name| self.overridden(provider, name)).or_else(|| {
            names.into_iter().find_map(|name| self.book.entry(provider.kind.name(), name)).map(|entry| Price {
                version: entry.version(),
                rates: entry.rates,
                tiers: entry.tiers.clone(),
            })
        })
    }

    /// Every model of this provider that a price is known for, by name.
    pub fn all_of(&self, provider: &Provider) -> Vec<(String, Price)> {
        let mut models: Vec<&str> = self.book.models(provider.kind.name()).collect();
        models
            .extend(self.overrides.iter().filter(|price| holds_for(price, provider)).map(|price| price.model.as_str()));
        models.sort_unstable();
        models.dedup();
        let price = |model: &str| self.of(provider, model).map(|price| (model.to_owned(), price));
        models.into_iter().filter_map(price).collect()
    }

    fn overridden(&self, provider: &Provider, model: &str) -> Option<Price> {
        let candidates = || self.overrides.iter().filter(|price| price.model == model && holds_for(price, provider));
        let own = candidates().find(|price| matches!(price.scope, PriceScope::Provider(_)));
        own.or_else(|| candidates().next()).map(|price| Price {
            version: self.overrides_version.clone(),
            rates: price.rates,
            tiers: price.tiers.clone(),
        })
    }
}

fn holds_for(price: &PriceOverride, provider: &Provider) -> bool {
    match &price.scope {
        PriceScope::AnyProvider => true,
        PriceScope::Provider(name) => *name == provider.name,
    }
}

/// `config@` and the beginning of a digest over the prices, so that the same prices have the same version.
fn overrides_version(overrides: &[PriceOverride]) -> String {
    let mut version = "config@".to_owned();
    for byte in Sha256::digest(format!("{overrides:?}").as_bytes()).iter().take(6) {
        let _ = write!(version, "{byte:02x}");
    }
    version
}
