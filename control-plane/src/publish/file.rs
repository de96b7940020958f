//! The configuration file as an input: each edit of it is checked, compiled, made known to Envoy, then published.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tracing::{error, info, warn};

use super::{error::Error, publisher::Publisher};
use crate::compile::{Compiled, compile};
use crate::config::{Config, Environment};
use crate::domain::{cluster::Cluster, key::BootstrapKey};
use crate::envoy::ClustersFile;
use crate::prices::Book;

/// Applies edits, one after the other.
#[derive(Debug)]
pub struct FileInput {
    config: PathBuf,
    environment: Environment,
    publisher: Publisher,
    clusters: Option<ClustersFile>,
    /// Of the snapshot in force: VMs use it until they have the next, so Envoy keeps its clusters one edit longer.
    in_force: Vec<Cluster>,
    /// What an edit of the file cannot change while we run.
    fixed: Option<u64>,
}

impl FileInput {
    /// Of this file, which may refer to these variables. `clusters` is what Envoy watches, if anything.
    #[must_use]
    pub fn new(
        config: PathBuf,
        environment: Environment,
        publisher: Publisher,
        clusters: Option<ClustersFile>,
    ) -> Self {
        Self { config, environment, publisher, clusters, in_force: Vec::new(), fixed: None }
    }

    /// The first snapshot, whose clusters were written before Envoy started.
    ///
    /// # Errors
    /// When the filter would refuse it, or the store fails.
    pub async fn publish_first(&mut self, compiled: Compiled, keys: &[BootstrapKey]) -> Result<u64, Error> {
        self.in_force.clone_from(&compiled.clusters);
        self.fixed = Some(compiled.policy.max_body);
        self.publisher.publish(compiled, keys).await
    }

    /// Puts the file as it is now in force, or says why not and leaves everything as it was.
    pub async fn apply_edit(&mut self) {
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
        let compiled = compile(&config.policy, Book::built_in());
        if self.clusters.is_some() && self.fixed.is_some_and(|bytes| config.policy.max_body > bytes) {
            warn!("a larger max_body needs a restart: Envoy's buffers keep the size they started with");
        }
        if let Some(file) = &self.clusters {
            // Before Envoy hears of anything: what the filter would refuse leaves no trace.
            Publisher::check(&compiled.snapshot)?;
            let written = file.write(&union(&self.in_force, &compiled.clusters));
            written.map_err(|error| Error::File { path: file.path().to_owned(), error })?;
            file.wait_until_known(&compiled.clusters).await;
        }
        let clusters = compiled.clusters.clone();
        let version = self.publisher.publish(compiled, &config.keys).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(name: &str, steps: usize) -> Cluster {
        let step =
            crate::domain::cluster::Step { provider: "p".to_owned(), host: "h".to_owned(), port: 80, tls: false };
        Cluster { name: name.to_owned(), steps: vec![step; steps] }
    }

    #[test]
    fn old_clusters_stay_beside_the_new_ones_and_changed_ones_are_new() {
        let both = union(&[cluster("a", 1), cluster("b", 1)], &[cluster("b", 2), cluster("c", 1)]);
        assert_eq!(both, [cluster("a", 1), cluster("b", 2), cluster("c", 1)]);
    }
}
