//! Small damage to good inputs.

use std::ops::Range;

use fastrand::Rng;
use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// Pieces that the readers know: cheap to insert, unlikely to arise by chance.
pub const TOKENS: [&str; 34] = [
    "1e999",
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
    "\"functionCall\":",
    "\"delta\":",
    "\"error\":",
    "\"id\":",
    "\"name\":",
    "\"stream\":true,",
    "\"n\":2,",
    "\"thinking\":",
];

/// Values that a reader may not expect.
const VALUES: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "18446744073709551616",
    "1e300",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000é\\n\"",
    "{}",
    "[]",
    "[null]",
    "[{}]",
    "{\"type\":\"text\"}",
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
    let place = span(bytes.len(), random);
    match random.u8(0..12) {
        0 => bytes.truncate(place.start),
        1 => drop(bytes.drain(place)),
        2 => {
            let copy = bytes[place.clone()].to_vec();
            bytes.splice(place.end..place.end, copy);
        }
        3 => drop(bytes.splice(place.start..place.start, token(random))),
        4 => drop(bytes.splice(place, token(random))),
        5 => drop(bytes.splice(place, other[span(other.len(), random)].to_vec())),
        6 => {
            if let Some(byte) = bytes.get_mut(place.start) {
                *byte = if random.bool() { *byte ^ (1 << random.u8(0..8)) } else { random.u8(..) };
            }
        }
        // Most readers look no further than the first syntax error, so half of all changes make none.
        _ => {
            if let Some(place) = value(bytes, random) {
                let new = match value(other, random) {
                    Some(range) if random.bool() => other[range].to_vec(),
                    _ => VALUES[random.usize(..VALUES.len())].into(),
                };
                bytes.splice(place, new);
            }
        }
    }
}

fn token(random: &mut Rng) -> std::str::Bytes<'static> {
    TOKENS[random.usize(..TOKENS.len())].bytes()
}

/// Where some JSON value stands that is an object's or an array's.
fn value(bytes: &[u8], random: &mut Rng) -> Option<Range<usize>> {
    let from = random.usize(0..=bytes.len());
    let start = from + bytes[from..].iter().position(|byte| b":[,".contains(byte))? + 1;
    let mut values = Deserializer::from_slice(&bytes[start..]).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(start..start + values.byte_offset())
}

/// A part of so many bytes: mostly short, sometimes any.
fn span(length: usize, random: &mut Rng) -> Range<usize> {
    let start = random.usize(0..=length);
    let most = length - start;
    let size = if random.u8(0..8) == 0 { random.usize(0..=most) } else { random.usize(0..=most.min(24)) };
    start..start + size
}
