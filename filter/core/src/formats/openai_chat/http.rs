//! Where its requests come to and go to, and with which headers.

use crate::{dialect::Http, vendors::openai, words::Operation};

pub(super) const HTTP: Http =
    openai::http(Operation::Chat, "/v1/chat/completions", "/v1/chat", |_, _| "/chat/completions".into());
