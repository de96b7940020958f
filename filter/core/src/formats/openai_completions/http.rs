//! Where its requests come to and go to, and with which headers.

use crate::{dialect::Http, vendors::openai, words::Operation};

pub(super) const HTTP: Http =
    openai::http(Operation::Chat, "/v1/completions", "/v1/completions", |_, _| "/completions".into());
