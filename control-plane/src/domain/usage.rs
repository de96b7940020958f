//! Questions about usage, and what answers them.

use super::{
    calendar::{Calendar, Unit},
    record::{Record, Tokens},
};

/// Which records count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Started at or after, in milliseconds since the Unix epoch.
    pub from: Option<i64>,
    /// Started before.
    pub to: Option<i64>,
    /// Of the dimensions with exactly these values.
    pub equals: Vec<(Dimension, String)>,
    /// Of this session.
    pub session_id: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
}

/// How records are put together.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// One of time at most.
    pub dimensions: Vec<Dimension>,
    /// Where hours, days and months begin.
    pub calendar: Calendar,
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
    /// On whose behalf the client asked, in its own words.
    EndUser,
    /// The model that the client asked for.
    Model,
    /// The route that served it.
    Route,
    /// The provider of the last attempt.
    Provider,
    /// The model that the provider was asked for.
    UpstreamModel,
    /// What the client spoke.
    ClientFormat,
    /// What the provider of the last attempt spoke.
    ProviderFormat,
    /// What kind of call it was.
    Operation,
    /// Whether the client asked for a stream: `true` or `false`.
    Stream,
    /// How the exchange ended.
    Outcome,
    /// How far the usage can be trusted.
    Provenance,
    /// When it began.
    Time(Unit),
}

impl Dimension {
    /// All of them, those of time last.
    pub const ALL: [Self; 17] = [
        Self::Key,
        Self::Team,
        Self::User,
        Self::EndUser,
        Self::Model,
        Self::Route,
        Self::Provider,
        Self::UpstreamModel,
        Self::ClientFormat,
        Self::ProviderFormat,
        Self::Operation,
        Self::Stream,
        Self::Outcome,
        Self::Provenance,
        Self::Time(Unit::Hour),
        Self::Time(Unit::Day),
        Self::Time(Unit::Month),
    ];

    /// Its name in questions and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::User => "user",
            Self::EndUser => "end_user",
            Self::Model => "model",
            Self::Route => "route",
            Self::Provider => "provider",
            Self::UpstreamModel => "upstream_model",
            Self::ClientFormat => "client_format",
            Self::ProviderFormat => "provider_format",
            Self::Operation => "operation",
            Self::Stream => "stream",
            Self::Outcome => "outcome",
            Self::Provenance => "provenance",
            Self::Time(Unit::Hour) => "hour",
            Self::Time(Unit::Day) => "day",
            Self::Time(Unit::Month) => "month",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }

    /// A record's value of it; empty for one of time.
    #[must_use]
    pub fn of(self, record: &Record) -> &str {
        let Record { facts, target, ending } = record;
        match self {
            Self::Key => &facts.key_id,
            Self::Team => &facts.team,
            Self::User => &facts.user,
            Self::EndUser => &facts.end_user,
            Self::Model => &facts.model,
            Self::Route => &facts.route,
            Self::Provider => &target.provider,
            Self::UpstreamModel => &target.upstream_model,
            Self::ClientFormat => facts.client_format.map_or("", |format| format.name()),
            Self::ProviderFormat => target.format.map_or("", |format| format.name()),
            Self::Operation => facts.operation.map_or("", |operation| operation.name()),
            Self::Stream if facts.stream => "true",
            Self::Stream => "false",
            Self::Outcome => ending.outcome.name(),
            Self::Provenance => ending.provenance.name(),
            Self::Time(_) => "",
        }
    }
}

/// Sums over the records that agree in the dimensions asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The values of the dimensions, in the order asked for.
    pub values: Vec<GroupValue>,
    /// The sums.
    pub sums: Sums,
}

/// A value of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupValue {
    /// Where a stretch of time begins by the clocks on the wall: milliseconds as if they showed UTC. Hours are told apart by the
    /// moment of their beginning instead, because clocks on the wall show one of them twice a year.
    Time(i64),
    /// Any other.
    Text(String),
}

/// What is added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Exchanges.
    pub requests: i64,
    /// Tokens by bucket.
    pub tokens: Tokens,
    /// What is charged, where that is known.
    pub charged_nanousd: i64,
    /// The best guesses at what was used where the provider did not say.
    pub estimated_nanousd: i64,
    /// Exchanges that used something without a price.
    pub unpriced: i64,
    /// Exchanges whose usage is known only in part.
    pub partial: i64,
    /// Times that a provider was asked.
    pub attempts: i64,
}

impl Sums {
    /// The names of what is added up.
    pub const NAMES: [&str; 14] = [
        "requests",
        "input",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "output",
        "reasoning",
        "audio_in",
        "audio_out",
        "charged_nanousd",
        "estimated_nanousd",
        "unpriced",
        "partial",
        "attempts",
    ];

    /// Of one record.
    #[must_use]
    pub fn of_record(record: &Record) -> Self {
        let ending = &record.ending;
        Self {
            requests: 1,
            tokens: ending.tokens.unwrap_or_default(),
            charged_nanousd: ending.charged_nanousd.unwrap_or(0),
            estimated_nanousd: ending.estimate.and_then(|estimate| estimate.cost_nanousd).unwrap_or(0),
            unpriced: record.unpriced().into(),
            partial: (ending.provenance == tollgate_core::words::Provenance::Partial).into(),
            attempts: ending.attempt_count,
        }
    }

    /// The figures, in the order of [`Self::NAMES`].
    #[must_use]
    pub fn figures(&self) -> [i64; 14] {
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out] =
            self.tokens.counts();
        [
            self.requests,
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
            audio_in,
            audio_out,
            self.charged_nanousd,
            self.estimated_nanousd,
            self.unpriced,
            self.partial,
            self.attempts,
        ]
    }

    /// From the figures, in the order of [`Self::NAMES`].
    #[must_use]
    pub fn of_figures(figures: [i64; 14]) -> Self {
        let [requests, a, b, c, d, e, f, g, h, charged_nanousd, estimated_nanousd, unpriced, partial, attempts] =
            figures;
        let tokens = Tokens::of([a, b, c, d, e, f, g, h]);
        Self { requests, tokens, charged_nanousd, estimated_nanousd, unpriced, partial, attempts }
    }

    /// Adds these, or takes them out again.
    pub fn add(&mut self, other: &Self, times: i64) {
        let mut figures = self.figures();
        figures
            .iter_mut()
            .zip(other.figures())
            .for_each(|(sum, figure)| *sum = sum.saturating_add(figure.saturating_mul(times)));
        *self = Self::of_figures(figures);
    }
}
