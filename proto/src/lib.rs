//! Messages and service stubs of the protocol between the filter and the control plane.
//!
//! The sources are `proto/tollgate/v1/*.proto`; the Rust code beside this file is generated from them by `make gen` and
//! checked in, so that building Tollgate needs no protobuf compiler. Each side parses these types once, in its `wire`
//! module, into types that cannot be invalid; nothing else names them.

/// Version 1 of the protocol.
#[expect(missing_docs, clippy::doc_markdown, reason = "generated; the documentation is in the .proto files")]
pub mod v1 {
    include!("tollgate.v1.rs");
}
