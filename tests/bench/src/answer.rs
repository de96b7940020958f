//! Before anything is timed: does each side give the right answer at all?

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    error::Error,
    load::{Connection, Failure},
    measure::Side,
    provider,
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
    let text = if workload.stream { streamed_text(&answer) } else { whole_text(&answer) };
    if text.as_deref() == Some(provider::TEXT) {
        return Ok(());
    }
    let reason = format!("not what the provider said: {}", String::from_utf8_lossy(&answer));
    Err(Error::WrongAnswer { workload: workload.name, side: side.name(), reason })
}

const START: Duration = Duration::from_secs(20);

fn whole_text(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    Some(answer["choices"][0]["message"]["content"].as_str()?.to_owned())
}

/// The text of all deltas. `None` if an event is not JSON, or `[DONE]` is not the last.
fn streamed_text(answer: &[u8]) -> Option<String> {
    let mut events = std::str::from_utf8(answer).ok()?.lines().filter_map(|line| line.strip_prefix("data: "));
    let mut text = String::new();
    for event in events.by_ref().take_while(|event| *event != "[DONE]") {
        let event: Value = serde_json::from_str(event).ok()?;
        text.push_str(event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
    }
    events.next().is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_add_up() {
        let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: [DONE]\n\n";
        assert_eq!(streamed_text(stream).as_deref(), Some("ab"));
    }

    #[test]
    fn nothing_may_follow_the_end() {
        assert_eq!(streamed_text(b"data: [DONE]\n\ndata: {}\n\n"), None);
    }
}
