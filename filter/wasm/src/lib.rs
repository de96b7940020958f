//! The filter as Envoy loads it.
