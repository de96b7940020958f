//! What both sides read or write alike: the seal of a reasoning item.

pub(super) mod seal;
