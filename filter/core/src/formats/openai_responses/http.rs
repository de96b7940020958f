//! Where its requests come to and go to, and with which headers.

use crate::{dialect::Http, vendors::openai, words::Operation};

pub(super) const HTTP: Http =
    openai::http(Operation::Chat, "/v1/responses", "/v1/responses", |_, _| "/responses".into());
