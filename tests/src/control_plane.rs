//! The control plane's HTTP API, as its administrator uses it.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, eventually};

/// A client of the API.
#[derive(Clone)]
pub struct ControlPlane {
    address: SocketAddr,
    token: String,
    client: reqwest::Client,
}

impl ControlPlane {
    pub(crate) fn new(address: SocketAddr, token: String) -> Self {
        Self { address, token, client: reqwest::Client::new() }
    }

    /// Where it is, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it asks of its administrator.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// One call with the admin token.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.url())).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::read(request.send().await?).await
    }

    /// Reads a path that must answer 200.
    pub async fn get(&self, path: &str) -> Answer {
        let answer = self.call(Method::GET, path, None).await.unwrap_or_else(|error| panic!("GET {path}: {error}"));
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer
    }

    /// Makes a key and returns what the API says of it, `id` and `key` included.
    pub async fn create_key(&self, body: Value) -> Value {
        let answer = self.call(Method::POST, "/api/v1/keys", Some(body)).await.expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, id: &str) {
        let answer = self.call(Method::DELETE, &format!("/api/v1/keys/{id}"), None).await.expect("an answer");
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// The snapshot in force and how many VMs run on it; `None` while there is no answer.
    pub async fn snapshot(&self) -> Option<(u64, usize)> {
        let snapshot = self.sessions().await?;
        let version = snapshot["version"].as_u64()?;
        Some((version, vms(&snapshot).filter(|vm| vm["version"] == version).count()))
    }

    /// How many exchanges the VMs have named as open for longer than a second; `None` while there is no answer.
    pub async fn open_exchanges(&self) -> Option<usize> {
        let snapshot = self.sessions().await?;
        let counts = vms(&snapshot).filter_map(|vm| vm["open_exchanges"].as_u64());
        usize::try_from(counts.sum::<u64>()).ok()
    }

    async fn sessions(&self) -> Option<Value> {
        let answer = self.call(Method::GET, "/api/v1/snapshot", None).await.ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    /// Waits until `vms` VMs run on a snapshot later than `after`, and returns its version.
    pub async fn wait_for_snapshot(&self, after: u64, vms: usize) -> u64 {
        let found = eventually(async || {
            self.snapshot().await.filter(|(version, acknowledged)| *version > after && *acknowledged >= vms)
        });
        found.await.expect("every VM acknowledges the snapshot").0
    }

    /// Every usage record, oldest first.
    pub async fn records(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/usage?limit=1000").await.json();
        let mut records = answer["records"].as_array().cloned().unwrap_or_else(|| panic!("no records: {answer}"));
        records.sort_by_key(started_at);
        records
    }

    /// Waits until `count` records are there. More than that is a failure.
    pub async fn wait_for_records(&self, count: usize) -> Vec<Value> {
        let mut last = Vec::new();
        let found = eventually(async || {
            last = self.records().await;
            (last.len() >= count).then_some(())
        });
        let found = found.await.is_some();
        assert!(found && last.len() == count, "{} records, not {count}: {:#}", last.len(), json!(last));
        last
    }
}

fn vms(snapshot: &Value) -> impl Iterator<Item = &Value> {
    snapshot["vms"].as_array().into_iter().flatten()
}

/// RFC 3339 with as many digits of the second as are needed, made comparable.
fn started_at(record: &Value) -> (String, String) {
    let time = record["started_at"].as_str().unwrap_or_default().trim_end_matches('Z');
    let (second, fraction) = time.split_once('.').unwrap_or((time, ""));
    (second.to_owned(), fraction.to_owned())
}
