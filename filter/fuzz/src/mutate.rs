//! Small damage to good inputs.

use fastrand::Rng;

/// Pieces that the readers know: cheap to insert, unlikely to arise by chance.
pub const TOKENS: [&str; 44] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "18446744073709551616",
    "1.5",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "{}",
    "[]",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    ",",
    ":",
    "\"",
    "\\",
    "}",
    "]",
    "\u{feff}",
    "é",
    "\n",
    "\n\n",
    "\r\n\r\n",
    "data: ",
    "data:",
    "event: ",
    ": ping\n\n",
    "data: [DONE]\n\n",
    "\"type\":",
    "\"text\":",
    "\"content\":",
    "\"role\":",
    "\"index\":",
    "\"usage\":",
    "\"tool_calls\":",
    "\"tool_use\"",
    "\"functionCall\":",
    "\"delta\":",
    "\"error\":",
    "\"id\":",
    "\"name\":",
];

/// `input` with one to four changes, some of which take from `other`.
#[must_use]
pub fn mutate(input: &[u8], other: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.usize(1..=4) {
        change(&mut bytes, other, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    let span = span(bytes.len(), random);
    match random.u8(0..8) {
        0 => bytes.truncate(span.start),
        1 => drop(bytes.drain(span)),
        2 => {
            let copy = bytes[span.clone()].to_vec();
            bytes.splice(span.end..span.end, copy);
        }
        3 => {
            let token = TOKENS[random.usize(..TOKENS.len())].bytes();
            bytes.splice(span.start..span.start, token);
        }
        4 => {
            let token = TOKENS[random.usize(..TOKENS.len())].bytes();
            bytes.splice(span, token);
        }
        5 => {
            let taken = other[self::span(other.len(), random)].to_vec();
            bytes.splice(span, taken);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(span.start) {
                *byte = if random.bool() { *byte ^ (1 << random.u8(0..8)) } else { random.u8(..) };
            }
        }
    }
}

/// A part of so many bytes: mostly short, sometimes any.
fn span(length: usize, random: &mut Rng) -> std::ops::Range<usize> {
    let start = random.usize(0..=length);
    let most = length - start;
    let size = if random.u8(0..8) == 0 { random.usize(0..=most) } else { random.usize(0..=most.min(24)) };
    start..start + size
}
