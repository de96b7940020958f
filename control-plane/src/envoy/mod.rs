//! What Envoy reads: its bootstrap, and the clusters that the snapshot names. JSON, which Envoy takes as it is, so that
//! nothing here needs a template or Envoy's own types. Whether it has read them is asked at its admin interface.

pub mod admin;
mod bootstrap;
mod clusters;
mod clusters_file;
mod control_plane;
mod listener;
mod plugin;
mod settings;

pub use bootstrap::bootstrap;
pub use clusters_file::{ClustersFile, clusters_file, write_atomically};
pub use control_plane::CONTROL_PLANE;
pub use plugin::NODE_TOKEN_VARIABLE;
pub use settings::{Authority, ClusterSource, Settings};
