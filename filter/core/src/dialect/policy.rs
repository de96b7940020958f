//! What the gate must know of a format's requests before it admits one.

/// The members of a body that decide whether it is admitted.
pub(crate) struct Policy {
    /// Members that are read: a second one of the same name could say something else to the provider than to us
    /// (GHSA-4gph-2hhr-5mwg is such a case).
    pub(crate) reads: &'static [&'static str],
    /// Members that must be absent, null or false, and what is expected of them instead, for people.
    pub(crate) refuses: &'static [(&'static str, &'static str)],
}
