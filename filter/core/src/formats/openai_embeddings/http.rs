//! Where its requests come to and go to, and with which headers.

use crate::{dialect::Http, vendors::openai, words::Operation};

pub(super) const HTTP: Http =
    openai::http(Operation::Embeddings, "/v1/embeddings", "/v1/embeddings", |_, _| "/embeddings".into());
