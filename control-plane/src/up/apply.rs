//! From an edit of the file to a snapshot in force: checked, compiled, its clusters known to Envoy, then published.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tracing::{error, info, warn};

use super::Error;
use crate::compile::{Cluster, Compiled, compile};
use crate::config::{Config, Environment};
use crate::prices::Book;
use crate::publish::Publisher;
use crate::render::{Settings, clusters_file, write_atomically};

/// Applies edits, one after the other.
pub(super) struct Applier {
    config: PathBuf,
    environment: Environment,
    publisher: Publisher,
    clusters: Option<ClustersFile>,
    /// Of the snapshot in force: VMs use it until they have the next, so Envoy keeps its clusters one edit longer.
    in_force: Vec<Cluster>,
    /// What an edit of the file cannot change while we run.
    fixed: Option<u64>,
}

impl Applier {
    pub(super) fn new(
        config: PathBuf,
        environment: Environment,
        publisher: Publisher,
        clusters: Option<ClustersFile>,
    ) -> Self {
        Self { config, environment, publisher, clusters, in_force: Vec::new(), fixed: None }
    }

    /// The first snapshot, whose clusters were written before Envoy started.
    pub(super) async fn publish_first(&mut self, compiled: Compiled) -> Result<u64, Error> {
        self.in_force.clone_from(&compiled.clusters);
        self.fixed = Some(compiled.snapshot.max_body_bytes);
        super::publish(&self.publisher, compiled).await
    }

    /// Puts the file as it is now in force, or says why not and leaves everything as it was.
    pub(super) async fn apply_edit(&mut self) {
        match self.try_apply().await {
            Ok(version) => info!(version, "the edited configuration is in force"),
            Err(reason) => {
                let reason = reason.to_string();
                error!(%reason, "the edited configuration is refused; the one before stays in force");
                self.publisher.reject(reason);
            }
        }
    }

    async fn try_apply(&mut self) -> Result<u64, Error> {
        let config = Config::load(&self.config, &self.environment)?;
        config.notices.iter().for_each(|notice| info!("{notice}"));
        let compiled = compile(&config, Book::built_in());
        if self.clusters.is_some() && self.fixed.is_some_and(|bytes| config.max_body > bytes) {
            warn!("a larger max_body needs a restart: Envoy's buffers keep the size they started with");
        }
        if let Some(file) = &self.clusters {
            file.write(&union(&self.in_force, &compiled.clusters))?;
            file.wait_until_known(&compiled.clusters).await;
        }
        let clusters = compiled.clusters.clone();
        let version = super::publish(&self.publisher, compiled).await?;
        self.in_force = clusters;
        Ok(version)
    }
}

/// Both lists by name; where they differ, the new one.
fn union(old: &[Cluster], new: &[Cluster]) -> Vec<Cluster> {
    let by_name: BTreeMap<&str, &Cluster> =
        old.iter().chain(new).map(|cluster| (cluster.name.as_str(), cluster)).collect();
    by_name.into_values().cloned().collect()
}

/// The file of clusters that Envoy watches.
pub(super) struct ClustersFile {
    path: PathBuf,
    settings: Settings,
    admin: Option<SocketAddr>,
}

impl ClustersFile {
    pub(super) fn new(path: PathBuf, settings: Settings, admin: Option<SocketAddr>) -> Self {
        Self { path, settings, admin }
    }

    pub(super) fn write(&self, clusters: &[Cluster]) -> Result<(), Error> {
        write_atomically(&self.path, &clusters_file(clusters, &self.settings)).map_err(Error::file(&self.path))
    }

    /// Until Envoy lists every cluster, or for two seconds: an Envoy that is down must not hold up the others.
    async fn wait_until_known(&self, clusters: &[Cluster]) {
        let Some(admin) = self.admin else { return };
        let wanted: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let listed = async {
            while !known(admin).await.is_some_and(|known| wanted.iter().all(|name| known.contains(*name))) {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(PATIENCE, listed).await.is_err() {
            warn!(%admin, "Envoy does not list the new clusters yet; publishing all the same");
        }
    }
}

/// https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--clusters
async fn known(admin: SocketAddr) -> Option<BTreeSet<String>> {
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
    let answer: Clusters = super::local_client().get(url).send().await.ok()?.json().await.ok()?;
    Some(answer.cluster_statuses.into_iter().map(|status| status.name).collect())
}

const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(name: &str, steps: usize) -> Cluster {
        let step = crate::compile::Step { provider: "p".to_owned(), host: "h".to_owned(), port: 80, tls: false };
        Cluster { name: name.to_owned(), steps: vec![step; steps] }
    }

    #[test]
    fn old_clusters_stay_beside_the_new_ones_and_changed_ones_are_new() {
        let both = union(&[cluster("a", 1), cluster("b", 1)], &[cluster("b", 2), cluster("c", 1)]);
        assert_eq!(both, [cluster("a", 1), cluster("b", 2), cluster("c", 1)]);
    }
}
