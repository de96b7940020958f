//! Where its requests go: the path names the model, and whether and how the answer is streamed.

use std::borrow::Cow;

use crate::dialect::{Framing, Http, segment};

pub(super) const HTTP: Http = Http { path, headers: &[] };

fn path(model: &str, stream: Option<Framing>) -> Cow<'static, str> {
    let model = segment(model);
    match stream {
        None => format!("/models/{model}:generateContent").into(),
        Some(Framing::Sse) => format!("/models/{model}:streamGenerateContent?alt=sse").into(),
        Some(Framing::JsonArray) => format!("/models/{model}:streamGenerateContent").into(),
    }
}
