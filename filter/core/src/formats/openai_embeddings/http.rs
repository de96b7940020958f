//! Where its requests go, and with which headers.

use crate::dialect::Http;

pub(super) const HTTP: Http = Http { path: |_, _| "/embeddings".into(), headers: &[] };
