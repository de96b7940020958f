//! Where its requests go: the path names the model, and whether the answer is streamed.

use std::borrow::Cow;

use crate::dialect::{Framing, Http, segment};

pub(super) const HTTP: Http = Http { path, headers: &[] };

fn path(model: &str, stream: Option<Framing>) -> Cow<'static, str> {
    let model = segment(model);
    match stream {
        None => format!("/model/{model}/converse").into(),
        Some(_) => format!("/model/{model}/converse-stream").into(),
    }
}
