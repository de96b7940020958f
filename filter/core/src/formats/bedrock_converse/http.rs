//! Where its requests go: the path names the model, and whether the answer is streamed.

use std::borrow::Cow;

use crate::dialect::{Framing, Http, JSON, UpstreamFraming, segment};

pub(super) const HTTP: Http = Http {
    served: None,
    path,
    headers: &[],
    forwards: &[],
    // https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
    request_id: Some("x-amzn-requestid"),
    whole: JSON,
    stream: UpstreamFraming::EventStream,
};

fn path(model: &str, stream: Option<Framing>) -> Cow<'static, str> {
    let model = segment(model);
    match stream {
        None => format!("/model/{model}/converse").into(),
        Some(_) => format!("/model/{model}/converse-stream").into(),
    }
}
