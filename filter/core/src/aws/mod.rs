//! What only AWS wants of a client.

pub mod sigv4;
