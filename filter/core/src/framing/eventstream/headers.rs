//! What a message says beside its payload.

use std::fmt;

/// The headers of one message, known to be well formed. Those with a meaning of their own begin with a colon:
/// `:message-type` is `event`, `exception` or `error`, and `:event-type` or `:exception-type` names it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Headers<'d>(&'d [u8]);

/// A header's value. AWS numbers the types 0 (true) to 9 (uuid).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'d> {
    /// Types 0 and 1.
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Short(i16),
    /// Type 4.
    Int(i32),
    /// Type 5.
    Long(i64),
    /// Type 6.
    Bytes(&'d [u8]),
    /// Type 7.
    String(&'d str),
    /// Type 8: milliseconds since 1970.
    TimestampMs(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

impl<'d> Headers<'d> {
    /// The headers that `block` is; `None` when it is no sequence of headers to its last byte.
    pub(super) fn parse(block: &'d [u8]) -> Option<Self> {
        let mut rest = block;
        while !rest.is_empty() {
            take_header(&mut rest)?;
        }
        Some(Self(block))
    }

    /// All headers, in order.
    pub fn iter(self) -> impl Iterator<Item = (&'d str, Value<'d>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || take_header(&mut rest))
    }

    /// The header called `name`, where it is a string.
    #[must_use]
    pub fn string(self, name: &str) -> Option<&'d str> {
        self.iter().find_map(|header| match header {
            (found, Value::String(text)) if found == name => Some(text),
            _ => None,
        })
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The header at the start of `rest`, which then begins after it.
fn take_header<'d>(rest: &mut &'d [u8]) -> Option<(&'d str, Value<'d>)> {
    let [length] = take_array(rest)?;
    let name = std::str::from_utf8(take(rest, length.into())?).ok()?;
    let [kind] = take_array(rest)?;
    let value = match kind {
        0 => Value::Bool(true),
        1 => Value::Bool(false),
        2 => Value::Byte(i8::from_be_bytes(take_array(rest)?)),
        3 => Value::Short(i16::from_be_bytes(take_array(rest)?)),
        4 => Value::Int(i32::from_be_bytes(take_array(rest)?)),
        5 => Value::Long(i64::from_be_bytes(take_array(rest)?)),
        6 => Value::Bytes(take_sized(rest)?),
        7 => Value::String(std::str::from_utf8(take_sized(rest)?).ok()?),
        8 => Value::TimestampMs(i64::from_be_bytes(take_array(rest)?)),
        9 => Value::Uuid(take_array(rest)?),
        _ => return None,
    };
    Some((name, value))
}

/// Bytes that have their length, two bytes of it, before them.
fn take_sized<'d>(rest: &mut &'d [u8]) -> Option<&'d [u8]> {
    let length = u16::from_be_bytes(take_array(rest)?);
    take(rest, length.into())
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (array, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*array)
}

fn take<'d>(rest: &mut &'d [u8], length: usize) -> Option<&'d [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}
