//! Questions about usage.

/// Which records count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Started at or after, in milliseconds since the Unix epoch.
    pub from: Option<i64>,
    /// Started before.
    pub to: Option<i64>,
    /// Of the dimensions with exactly these values.
    pub equals: Vec<(Dimension, String)>,
}

/// What records are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The key's id.
    Key,
    /// The key's team.
    Team,
    /// The key's user.
    User,
    /// The model that the client asked for.
    Model,
    /// The provider of the last attempt.
    Provider,
    /// The model that the provider was asked for.
    UpstreamModel,
    /// What the client spoke.
    ClientFormat,
    /// What the provider of the last attempt spoke.
    ProviderFormat,
    /// How the exchange ended.
    Outcome,
    /// The hour it began in, UTC.
    Hour,
    /// The day it began on, UTC.
    Day,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Key,
        Self::Team,
        Self::User,
        Self::Model,
        Self::Provider,
        Self::UpstreamModel,
        Self::ClientFormat,
        Self::ProviderFormat,
        Self::Outcome,
        Self::Hour,
        Self::Day,
    ];

    /// Its name in queries and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::User => "user",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::UpstreamModel => "upstream_model",
            Self::ClientFormat => "client_format",
            Self::ProviderFormat => "provider_format",
            Self::Outcome => "outcome",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// Sums over the records that agree in the dimensions asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The values of the dimensions, in the order asked for. Hours and days are the milliseconds of their beginning.
    pub values: Vec<String>,
    /// Exchanges.
    pub requests: i64,
    /// Tokens by bucket.
    pub tokens: super::record::Tokens,
    /// Sum of the known costs.
    pub cost_nanousd: i64,
    /// Exchanges with usage whose model has no price.
    pub unpriced: i64,
    /// Exchanges whose usage is known only in part.
    pub partial: i64,
}
