//! What kind of call an exchange is, how it ended, and how far its usage can be trusted.

use super::names;

/// What kind of call an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A chat completion.
    Chat,
    /// Embeddings.
    Embeddings,
}

names!(Operation {
    Chat = "chat",
    Embeddings = "embeddings",
});

/// How an exchange, or one attempt of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The provider's whole answer reached the client.
    Success,
    /// The last attempt ended in an error, or no provider could be reached.
    ProviderError,
    /// The client went away before the end.
    ClientAbort,
    /// Refused by the gate.
    Refused,
    /// The response began and was cut off.
    Interrupted,
    /// The VM that had it died. Only the control plane says so.
    Lost,
}

names!(Outcome {
    Success = "success",
    ProviderError = "provider_error",
    ClientAbort = "client_abort",
    Refused = "refused",
    Interrupted = "interrupted",
    Lost = "lost",
});

/// How far usage can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provenance {
    /// The provider's terminal figures.
    Reported,
    /// The provider's figures up to where the exchange was cut off.
    Partial,
    /// Counted or calculated here, because the provider gave no figures.
    Estimated,
    /// Nothing was reported.
    None,
}

names!(Provenance {
    Reported = "reported",
    Partial = "partial",
    Estimated = "estimated",
    None = "none",
});

/// How usage was guessed where the provider did not state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EstimateMethod {
    /// By the model's own vocabulary.
    Counted,
    /// From bytes, by the calibrated ratio of the model's family.
    Bytes,
}

names!(EstimateMethod {
    Counted = "counted",
    Bytes = "bytes",
});

/// How much of something a translation lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossKind {
    /// Something near to it crossed: a clamped number, a level for a budget.
    Approximated,
    /// Nothing of it crossed.
    Dropped,
}

names!(LossKind {
    Approximated = "approximated",
    Dropped = "dropped",
});
