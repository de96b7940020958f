//! What goes over the stream, as this VM understands it.

use crate::words::KeyDigest;

/// Something that the control plane sent.
#[derive(Debug)]
pub(super) enum Received {
    Welcome { heartbeat_ms: u64 },
    Snapshot(Box<tollgate_proto::v1::Snapshot>),
    Committed(u64),
    KeysChanged(Vec<KeyDigest>),
}

/// Whether the snapshot is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    pub(super) version: u64,
    pub(super) refusal: String,
    pub(super) in_force: u64,
}
