//! `tollgate check`.

use super::arguments::ConfigFile;
use super::say::say;
use crate::compile::compile;
use crate::config::{Config, Environment};
use crate::operate::Error;
use crate::prices::Book;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
}

impl Check {
    /// Prints a summary, or fails with one line for each mistake.
    pub(super) fn run(self) -> Result<(), Error> {
        let config = Config::load(&self.file.config, &Environment::of_process())?;
        let compiled = compile(&config.policy, Book::built_in());
        for notice in &config.notices {
            say(&format!("note: {notice}"));
        }
        let named = compiled.snapshot.routes.iter().flat_map(|route| {
            route.targets.iter().filter(|target| !target.model.is_empty() && target.prices.is_empty())
        });
        for target in named {
            say(&format!("note: {}/{} has no price: its use is recorded as unpriced", target.provider, target.model));
        }
        say(&format!("note: {}", config.spool.acknowledged()));
        say(&format!(
            "ok: {} providers, {} models, {} aliases, {} keys, {} Envoy clusters",
            config.policy.providers.len(),
            config.policy.models.len(),
            config.policy.aliases.len(),
            config.keys.len(),
            compiled.clusters.len()
        ));
        Ok(())
    }
}
