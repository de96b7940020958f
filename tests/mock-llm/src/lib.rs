//! A provider for tests and demonstrations: it speaks the APIs of OpenAI, Anthropic, Google and Bedrock as the real ones do, answers the
//! same request with the same words, misbehaves on request, and remembers what it received.
//!
//! [`Mock::start`] runs one inside a test; the binary runs one by itself. What it answers, and how it is asked what it received, is in the README; how it is told to
//! misbehave is at [`script`].

#![forbid(unsafe_code)]

mod anthropic;
mod bedrock;
mod control;
mod dialect;
mod gemini;
mod journal;
mod openai;
mod provider;
mod reply;
mod schema;
pub mod script;
mod send;
mod server;
mod shape;
mod signed;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use journal::{Ending, Received};
use script::{Rule, Script};

/// How long a test waits for something before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running mock provider. It stops when this is dropped.
pub struct Mock {
    address: SocketAddr,
    state: Arc<provider::Provider>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Mock {
    /// Listens on `address` (port 0 for any free one) and answers until dropped.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(address: SocketAddr) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(provider::Provider::default());
        let accepting = tokio::spawn(server::accept(listener, control::router(state.clone())));
        Ok(Self { address, state, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request is answered by this script, after those that wait already.
    pub fn script(&self, script: Script) {
        self.add(Rule::once(script));
    }

    /// Adds a rule, after those that are there.
    pub fn add(&self, rule: Rule) {
        self.state.rules.add(rule);
    }

    /// Forgets all rules, lets everything go that waits at a gate, and forgets what was received.
    pub fn clear(&self) {
        self.state.rules.clear();
        self.state.gates.release_all();
        self.state.journal.clear();
    }

    /// Every provider request received so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.state.journal.requests()
    }

    /// Waits until `done` holds of the requests received, and returns them.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn wait_for(&self, done: impl FnMut(&[Received]) -> bool) -> Vec<Received> {
        let waited = tokio::time::timeout(PATIENCE, self.state.journal.wait_for(done)).await;
        waited.unwrap_or_else(|_| panic!("not what was waited for: {:#?}", self.requests()))
    }

    /// Waits until `count` responses stand at the gate `name`.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn wait_until_held(&self, name: &str, count: usize) {
        let waited = tokio::time::timeout(PATIENCE, self.state.gates.wait_until_held(name, count)).await;
        assert!(waited.is_ok(), "{count} responses should stand at gate {name}: {:?}", self.state.gates.held());
    }

    /// Lets everything go that stands at the gate `name`, and everything that comes to it later.
    pub fn release(&self, name: &str) {
        self.state.gates.release(name);
    }

    /// Waits until the server ends, which it does only by a failure of its socket.
    pub async fn join(mut self) {
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
