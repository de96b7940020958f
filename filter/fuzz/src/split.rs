//! Pieces of a text, as a network would cut them.

/// `bytes` in pieces that `how` decides: whole, one byte each, or sizes drawn from it.
pub(crate) fn split(bytes: &[u8], how: u8) -> Vec<&[u8]> {
    match how {
        0 => vec![bytes],
        1 => bytes.chunks(1).collect(),
        _ => {
            let mut random = fastrand::Rng::with_seed(how.into());
            let longest = random.usize(2..200);
            let mut rest = bytes;
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                // An empty piece now and then: a host may send one.
                let (piece, after) = rest.split_at(random.usize(0..=longest).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces
        }
    }
}

/// The first `N` bytes, which choose how the rest is used.
pub(crate) fn choices<const N: usize>(data: &[u8]) -> Option<([u8; N], &[u8])> {
    data.split_first_chunk().map(|(choices, rest)| (*choices, rest))
}
