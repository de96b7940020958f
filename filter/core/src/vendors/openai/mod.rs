//! What OpenAI's APIs have in common: paths, headers, the list of models, the error shape and the limits of all, and the usage of
//! the two that count alike.

mod ask;
mod error;
mod finish;
mod http;
mod limit;
mod models;
mod policy;
mod tap;
mod usage;

pub(crate) use ask::ask_for_usage;
pub(crate) use error::{decode_error, encode_error, is_error};
pub(crate) use finish::{FinishWord, decode_finish};
pub(crate) use http::http;
pub(crate) use limit::{MAX_NAME, complete_schema, encode_name, shortened};
pub(crate) use policy::asker;
pub(crate) use tap::Tap;
pub(crate) use usage::{EncodedUsage, decode_usage, encode_usage};
