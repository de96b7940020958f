//! Compiled configuration: what the control plane last sent, in a form that cannot be inconsistent.
//! The control plane compiles each snapshot by the same code before it sends it.

mod chains;
mod wire;

use std::{collections::HashMap, rc::Rc};

pub use chains::{Chain, Chains};
pub use wire::InvalidSnapshot;

use crate::{
    meter::price::Price,
    words::{Format, Glob, Secret},
};

/// Everything that a VM needs except keys. Exchanges keep the one they were admitted under.
#[derive(Debug)]
pub struct Snapshot {
    /// Grows with every change.
    pub version: u64,
    /// Upstream accounts by name.
    pub providers: HashMap<Rc<str>, Rc<Provider>>,
    /// Routes of exactly named models.
    pub routes: HashMap<Rc<str>, Rc<Route>>,
    /// Routes of patterns, the most specific first.
    pub globs: Vec<(Glob, Rc<Route>)>,
    /// Other names of models.
    pub aliases: HashMap<String, String>,
    /// Largest request body, in bytes.
    pub max_body: usize,
}

impl Snapshot {
    /// The route of this name: an exact one before patterns, of which the most specific counts.
    #[must_use]
    pub fn route(&self, model: &str) -> Option<&Rc<Route>> {
        let glob = || self.globs.iter().find(|(glob, _)| glob.matches(model)).map(|(_, route)| route);
        self.routes.get(model).or_else(glob)
    }
}

/// A configured upstream account.
#[derive(Debug)]
pub struct Provider {
    /// Its name in the configuration.
    pub name: Rc<str>,
    /// `host` or `host:port`.
    pub authority: String,
    /// Put before a format's own path, without a trailing slash.
    pub path_prefix: String,
    /// `http` or `https`.
    pub scheme: String,
    /// What it speaks, best first; never empty.
    pub formats: Vec<Format>,
    /// Credentials that are headers, and fixed headers.
    pub headers: Vec<(String, Secret)>,
    /// What else shows who asks.
    pub auth: Auth,
    /// The Envoy cluster that has only this provider.
    pub cluster: String,
    /// Output cap for formats that demand one, for exchanges that name the provider.
    pub default_max_tokens: u32,
    /// Prices by upstream model, for exchanges that name the provider.
    pub prices: Vec<(String, Rc<Price>)>,
}

/// How a provider knows who asks.
#[derive(Debug)]
pub enum Auth {
    /// By its headers, or not at all.
    Headers,
    /// By a signature over each request:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.
    AwsSigV4(AwsCredentials),
}

/// What requests to AWS are signed with.
#[derive(Debug)]
pub struct AwsCredentials {
    /// Part of what is signed.
    pub region: String,
    /// Names the secret.
    pub access_key_id: String,
    /// Never sent.
    pub secret_access_key: Secret,
    /// Of keys that expire.
    pub session_token: Option<Secret>,
}

/// A model's ordered targets.
#[derive(Debug)]
pub struct Route {
    /// The model name or pattern it was configured under.
    pub model: Rc<str>,
    /// By ascending priority; never empty.
    pub targets: Vec<Rc<Target>>,
    /// Whether a loss is a refusal.
    pub strict: bool,
    /// Whole response, for requests that do not stream.
    pub timeout_ms: u32,
    /// Response headers, for requests that stream.
    pub first_byte_timeout_ms: u32,
    /// Every order of targets that a plan can have.
    pub chains: Chains,
}

/// A provider and the model to ask it for.
#[derive(Debug)]
pub struct Target {
    /// Whom to ask.
    pub provider: Rc<Provider>,
    /// For what; `None` is the name that the client used.
    pub model: Option<Rc<str>>,
    /// Put into a request that must state an output cap and does not.
    pub default_max_tokens: u32,
    /// Prices by upstream model; the empty name is the target's own model.
    pub prices: Vec<(String, Rc<Price>)>,
}
