//! The configuration file as an input: each edit of it is checked, compiled, made known to Envoy, then published.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use tracing::{error, info, warn};

use super::{error::Error, publisher::Publisher, watch::FileChanges};
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

/// An edit that the filter takes, on its way into force.
#[derive(Debug)]
struct Edit {
    compiled: Compiled,
    keys: Vec<BootstrapKey>,
    /// Envoy has been told of its clusters.
    announced: bool,
    /// It could not be put in force the last time.
    held_up: bool,
}

/// How often an edit is tried again that something holds up.
const AGAIN: Duration = Duration::from_secs(1);

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

    /// Puts each edit of the file in force, or says why not and leaves everything as it was. What only a file or the store holds up is
    /// tried again until it is in force, or there is another edit.
    pub async fn follow(mut self, mut changes: FileChanges) -> Infallible {
        let mut waiting = None;
        loop {
            let edit = tokio::select! {
                () = changes.next() => self.read(),
                () = tokio::time::sleep(AGAIN), if waiting.is_some() => waiting.take(),
            };
            waiting = match edit {
                Some(edit) => self.bring(edit).await,
                None => None,
            };
        }
    }

    /// The file as it is now; `None` where it is refused.
    fn read(&self) -> Option<Edit> {
        match self.try_read() {
            Ok(edit) => Some(edit),
            Err(reason) => {
                self.refuse(&reason);
                None
            }
        }
    }

    fn try_read(&self) -> Result<Edit, Error> {
        let config = Config::load(&self.config, &self.environment)?;
        config.notices.iter().for_each(|notice| info!("{notice}"));
        let compiled = compile(&config.policy, Book::built_in());
        if self.clusters.is_some() && self.fixed.is_some_and(|bytes| config.policy.max_body > bytes) {
            warn!("a larger max_body needs a restart: Envoy's buffers keep the size they started with");
        }
        // Before Envoy hears of anything: what the filter would refuse leaves no trace.
        Publisher::check(&compiled.snapshot)?;
        Ok(Edit { compiled, keys: config.keys, announced: false, held_up: false })
    }

    /// Puts an edit in force, and gives it back where that should be tried again.
    async fn bring(&mut self, mut edit: Edit) -> Option<Edit> {
        match self.try_bring(&mut edit).await {
            Ok(version) => info!(version, "the edited configuration is in force"),
            Err(error) if error.may_pass() => {
                if !std::mem::replace(&mut edit.held_up, true) {
                    error!(%error, "the edited configuration cannot be put in force yet; trying again until it can");
                }
                self.publisher.reject(error.public());
                return Some(edit);
            }
            Err(reason) => self.refuse(&reason),
        }
        None
    }

    async fn try_bring(&mut self, edit: &mut Edit) -> Result<u64, Error> {
        if let Some(file) = &self.clusters
            && !edit.announced
        {
            let written = file.write(&union(&self.in_force, &edit.compiled.clusters));
            written.map_err(|error| Error::File { path: file.path().to_owned(), error })?;
            file.wait_until_known(&edit.compiled.clusters).await;
            edit.announced = true;
        }
        let version = self.publisher.publish(edit.compiled.clone(), &edit.keys).await?;
        self.in_force.clone_from(&edit.compiled.clusters);
        Ok(version)
    }

    fn refuse(&self, reason: &Error) {
        error!(%reason, "the edited configuration is refused; the one before stays in force");
        self.publisher.reject(reason.public());
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
