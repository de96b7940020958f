//! Where its requests go, and with which headers.

use crate::dialect::Http;

pub(super) const HTTP: Http = Http { path: |_, _| "/messages".into(), headers: HEADERS };

/// The version of the API is a header: <https://platform.claude.com/docs/en/api/versioning>.
const HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];
