//! The configuration file: read strictly, every mistake reported with its line and column.
//!
//! Three steps, three shapes: the text is read into [`raw`] (what may be written where), its variables are expanded and
//! its values checked into [`Config`] (what cannot be invalid), and [`crate::compile`] makes a snapshot of that.

mod environment;
mod kind;
mod model;
mod problem;
mod provider;
mod raw;
mod resolve;
mod scalar;

use std::path::Path;

use tollgate_core::words::Secret;

pub use environment::Environment;
pub use kind::Kind;
pub use model::{Model, PriceOverride, PriceScope, Target, Translation};
pub use problem::{Problem, Problems};
pub use provider::{AwsCredentials, BaseUrl, Credential, Provider};

use crate::domain::key::BootstrapKey;

/// A configuration without mistakes: every name it refers to exists.
#[derive(Debug, Clone)]
pub struct Config {
    /// In the order of the file, without those that were left out.
    pub providers: Vec<Provider>,
    /// In the order of the file, without those that were left out.
    pub models: Vec<Model>,
    /// Another name and the name it stands for at the end of its chain.
    pub aliases: Vec<(String, String)>,
    /// Keys that exist from the start.
    pub keys: Vec<BootstrapKey>,
    /// Prices that go before the built-in book.
    pub prices: Vec<PriceOverride>,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub store: Option<Secret>,
    /// Opens the HTTP API.
    pub admin_token: Option<Secret>,
    /// Opens the gRPC port.
    pub node_token: Option<Secret>,
    /// Largest request body, in bytes.
    pub max_body: u64,
    /// What was left out because a variable is empty, one sentence each.
    pub notices: Vec<String>,
}

/// Largest request body when the file does not say: 32 MiB.
pub const DEFAULT_MAX_BODY: u64 = 32 << 20;

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every mistake of the file, or that it cannot be read.
    pub fn load(path: &Path, environment: &Environment) -> Result<Self, Problems> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text, environment),
            Err(error) => Err(Problems::whole_file(&file, format!("cannot be read: {error}"))),
        }
    }

    /// Reads and checks a text; `file` is the name that errors give.
    ///
    /// # Errors
    /// The first mistake of syntax, or every mistake of meaning in the order of the text.
    pub fn parse(file: &str, text: &str, environment: &Environment) -> Result<Self, Problems> {
        let raw = raw::read(file, text)?;
        resolve::resolve(file, raw, environment)
    }
}
