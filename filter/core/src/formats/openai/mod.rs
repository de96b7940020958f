//! What OpenAI's APIs have in common: the error shape and the limits of all, and the usage of the two that count alike.

mod ask;
mod error;
mod finish;
mod limit;
mod tap;
mod usage;

pub(super) use ask::ask_for_usage;
pub(super) use error::{decode_error, encode_error, is_error};
pub(super) use finish::{Ending, ending};
pub(super) use limit::{MAX_NAME, complete_schema, encode_name, shortened};
pub(super) use tap::Tap;
pub(super) use usage::{EncodedUsage, decode_usage, encode_usage};
