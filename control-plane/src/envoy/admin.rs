//! Envoy's admin interface, and the client for what runs on this machine.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// The names of the clusters that Envoy has; none where it does not answer.
///
/// <https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--clusters>
pub(super) async fn clusters(admin: SocketAddr) -> Option<BTreeSet<String>> {
    #[derive(serde::Deserialize)]
    struct Clusters {
        #[serde(default)]
        cluster_statuses: Vec<Status>,
    }
    #[derive(serde::Deserialize)]
    struct Status {
        name: String,
    }
    let url = format!("http://{admin}/clusters?format=json");
    let answer: Clusters = local_client().get(url).send().await.ok()?.json().await.ok()?;
    Some(answer.cluster_statuses.into_iter().map(|status| status.name).collect())
}

/// No proxy of the environment, and no waiting for what hangs.
pub(crate) fn local_client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1));
    client.build().unwrap_or_default()
}
