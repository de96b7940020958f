//! Before anything is timed: does each side give the right answer at all?

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    dialect::{Client, TEXT},
    error::Error,
    load::{Connection, Failure},
    measure::Side,
    stack::Stack,
    workload::Workload,
};

/// Asks until there is an answer (Envoy and the control plane may not have met yet), and compares its text.
pub(crate) async fn check(stack: &mut Stack, workload: &Workload, side: Side) -> Result<(), Error> {
    let call = side.call(stack, workload);
    let deadline = Instant::now() + START;
    let answer = loop {
        stack.check()?;
        let mut answer = Vec::new();
        let failure = match Connection::new(call.address).exchange(&call, Some(&mut answer)).await {
            Ok(_) => break answer,
            Err(failure) => failure,
        };
        let not_yet = matches!(failure, Failure::Connection(_) | Failure::Status { status: 404 | 503, .. });
        if !not_yet || Instant::now() > deadline {
            let reason = format!("{failure}; Envoy's log ends:\n{}", stack.log_tail());
            return Err(Error::WrongAnswer { workload: workload.name, side: side.name(), reason });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let client = workload.dialect().1;
    let text = if workload.stream { streamed_text(client, &answer) } else { whole_text(client, &answer) };
    if text.as_deref() == Some(TEXT) {
        return Ok(());
    }
    let reason = format!("not what the provider said: {}", String::from_utf8_lossy(&answer));
    Err(Error::WrongAnswer { workload: workload.name, side: side.name(), reason })
}

const START: Duration = Duration::from_secs(20);

fn whole_text(client: &Client, answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    Some((client.text)(&answer)?.to_owned())
}

/// The text of all events. `None` if one is not JSON, or the last one is not an end.
fn streamed_text(client: &Client, answer: &[u8]) -> Option<String> {
    let mut events: Vec<&str> =
        std::str::from_utf8(answer).ok()?.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    if !events.last()?.contains(client.last_word) {
        return None;
    }
    events.pop_if(|last| *last == "[DONE]");
    let mut text = String::new();
    for event in events {
        let event: Value = serde_json::from_str(event).ok()?;
        text.push_str((client.delta)(&event).unwrap_or_default());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn every_dialect_finds_its_text() {
        for dialect in Dialect::ALL {
            let Some(client) = &dialect.client else { continue };
            let whole = (dialect.whole)().to_string();
            assert_eq!(whole_text(client, whole.as_bytes()).as_deref(), Some(TEXT), "{}", dialect.format.name());
            let stream = (dialect.stream)(true).concat();
            assert_eq!(streamed_text(client, &stream).as_deref(), Some(TEXT), "{}", dialect.format.name());
        }
    }

    #[test]
    fn a_stream_without_its_end_is_none() {
        for dialect in Dialect::ALL {
            let Some(client) = &dialect.client else { continue };
            let stream = (dialect.stream)(false);
            let cut = stream[..stream.len() - 1].concat();
            assert_eq!(streamed_text(client, &cut), None, "{}", dialect.format.name());
        }
    }

    #[test]
    fn nothing_may_follow_the_end() {
        let client = Dialect::ALL[0].client.as_ref().unwrap();
        assert_eq!(streamed_text(client, b"data: [DONE]\n\ndata: {}\n\n"), None);
    }
}
