//! The built-in book of prices, and how it is checked.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::{
    price::{Rates, Tier},
    rate,
};

/// Prices by kind of provider and model.
#[derive(Debug)]
pub struct Book {
    entries: BTreeMap<(String, String), Entry>,
}

/// One price of the book.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Base rates.
    pub rates: Rates,
    /// Ascending.
    pub tiers: Vec<Tier>,
    /// The vendor gives it away.
    pub free: bool,
    /// The vendor's page.
    pub source: String,
    /// The day the figure was taken, `YYYY-MM-DD`.
    pub date: String,
}

impl Entry {
    /// What a usage record states beside a cost: `book@2026-11-21`.
    pub fn version(&self) -> String {
        format!("book@{}", self.date)
    }
}

/// The text of a book is wrong.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBook {
    /// Not the shape of a book.
    #[error("the price book cannot be read: {0}")]
    Syntax(Box<serde_saphyr::Error>),
    /// A row with a value that is none.
    #[error("{kind}/{model}: {what}")]
    Row {
        /// Kind of provider.
        kind: String,
        /// Model.
        model: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Book {
    /// The book that is compiled in.
    pub fn built_in() -> &'static Self {
        static BOOK: LazyLock<Book> = LazyLock::new(|| {
            Book::parse(include_str!("book.yaml")).unwrap_or_else(|error| {
                tracing::error!(%error, "the built-in price book is unusable: nothing is priced from it");
                Book { entries: BTreeMap::new() }
            })
        });
        &BOOK
    }

    /// Reads a book and checks every row.
    ///
    /// # Errors
    /// The first row that has no source or date, a rate that is none, a zero that is not marked free, or a model twice.
    pub fn parse(text: &str) -> Result<Self, InvalidBook> {
        let rows: Vec<Row> = serde_saphyr::from_str(text).map_err(|error| InvalidBook::Syntax(Box::new(error)))?;
        let mut entries = BTreeMap::new();
        for row in rows {
            let key = (row.kind.clone(), row.model.clone());
            let invalid = |what| InvalidBook::Row { kind: row.kind.clone(), model: row.model.clone(), what };
            let entry = row.entry().map_err(invalid)?;
            if entries.insert(key, entry).is_some() {
                return Err(invalid("appears twice"));
            }
        }
        Ok(Self { entries })
    }

    /// The entry of exactly this model.
    pub fn entry(&self, kind: &str, model: &str) -> Option<&Entry> {
        self.entries.get(&(kind.to_owned(), model.to_owned()))
    }

    /// Every model of a kind of provider, by name.
    pub fn models<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.keys().filter(move |(of, _)| of == kind).map(|(_, model)| model.as_str())
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: String,
    model: String,
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    audio_in: Option<String>,
    audio_out: Option<String>,
    #[serde(default)]
    tiers: Vec<RowTier>,
    #[serde(default)]
    free: bool,
    source: String,
    date: String,
    tables: u8,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RowTier {
    above_input_tokens: u64,
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    audio_in: Option<String>,
    audio_out: Option<String>,
}

impl Row {
    fn entry(&self) -> Result<Entry, &'static str> {
        let rates = Rates {
            input: required(&self.input)?,
            output: required(&self.output)?,
            cache_read: optional(self.cache_read.as_ref())?,
            cache_write_5m: optional(self.cache_write_5m.as_ref())?,
            cache_write_1h: optional(self.cache_write_1h.as_ref())?,
            audio_in: optional(self.audio_in.as_ref())?,
            audio_out: optional(self.audio_out.as_ref())?,
        };
        let tiers = self.tiers.iter().map(RowTier::tier).collect::<Result<Vec<_>, _>>()?;
        if !tiers.is_sorted_by(|a, b| a.above_input_tokens < b.above_input_tokens) {
            return Err("its tiers do not ascend");
        }
        let generates = !self.model.contains("embed");
        let zero = rates.input == 0 || (generates && rates.output == 0);
        if zero != self.free {
            return Err("a price of zero and `free: true` belong together");
        }
        if !self.source.starts_with("https://") {
            return Err("no source");
        }
        if !is_date(&self.date) {
            return Err("no date");
        }
        if !(1..=2).contains(&self.tables) {
            return Err("`tables` is 1 or 2");
        }
        Ok(Entry { rates, tiers, free: self.free, source: self.source.clone(), date: self.date.clone() })
    }
}

impl RowTier {
    fn tier(&self) -> Result<Tier, &'static str> {
        let rates = Rates {
            input: required(&self.input)?,
            output: required(&self.output)?,
            cache_read: optional(self.cache_read.as_ref())?,
            cache_write_5m: optional(self.cache_write_5m.as_ref())?,
            cache_write_1h: optional(self.cache_write_1h.as_ref())?,
            audio_in: optional(self.audio_in.as_ref())?,
            audio_out: optional(self.audio_out.as_ref())?,
        };
        Ok(Tier { above_input_tokens: self.above_input_tokens, rates })
    }
}

fn required(text: &str) -> Result<u64, &'static str> {
    rate::parse(text).ok_or("a rate that is no price")
}

fn optional(text: Option<&String>) -> Result<Option<u64>, &'static str> {
    text.map(|text| required(text)).transpose()
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_book_is_sound_and_covers_every_vendor() {
        let book = Book::parse(include_str!("book.yaml")).expect("every row is valid");
        for kind in ["openai", "anthropic", "gemini", "bedrock", "xai", "groq", "mistral", "deepseek", "zhipu"] {
            assert!(book.models(kind).count() >= 3, "{kind}");
        }
        let gpt = book.entry("openai", "gpt-4o").expect("known");
        assert_eq!((gpt.rates.input, gpt.rates.output, gpt.rates.cache_read), (2_500_000, 10_000_000, Some(1_250_000)));
        let claude = book.entry("anthropic", "claude-sonnet-4-5").expect("known");
        assert_eq!((claude.rates.input, claude.rates.cache_write_1h), (3_000_000, Some(6_000_000)));
        // A profile that keeps requests in one geography costs more than the global one.
        let bedrock =
            |prefix: &str| book.entry("bedrock", &format!("{prefix}anthropic.claude-haiku-4-5-20251001-v1:0"));
        let input = |prefix| bedrock(prefix).map(|entry| entry.rates.input);
        assert_eq!([input("global."), input("eu."), input("us.")], [1_000_000, 1_100_000, 1_100_000].map(Some));
    }

    #[test]
    fn unsound_rows_are_refused() {
        let row = "{kind: a, model: m, input: 1, output: 2, source: https://x, date: 2026-01-01, tables: 1}";
        assert!(Book::parse(&format!("- {row}")).is_ok());
        let twice = format!("- {row}\n- {row}");
        for (text, what) in [
            (twice, "appears twice"),
            (format!("- {}", row.replace("input: 1", "input: 0")), "belong together"),
            (format!("- {}", row.replace("https://x", "somewhere")), "no source"),
            (format!("- {}", row.replace("2026-01-01", "lately")), "no date"),
            (format!("- {}", row.replace("output: 2", "output: -2")), "no price"),
        ] {
            let error = Book::parse(&text).expect_err(what).to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
