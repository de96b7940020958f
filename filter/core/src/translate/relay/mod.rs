//! A response on its way from the provider to the client.

mod canonical_lane;
mod identity_lane;
mod observed;

use canonical_lane::CanonicalLane;
use identity_lane::IdentityLane;
pub use observed::{Observed, Passed, ResponseKind};

use crate::dialect::{ResponseError, Translation};

/// One successful response being passed on, translated where the formats differ, its usage observed on the way.
///
/// Give every piece of the body to [`push`](Self::push), then call [`finish`](Self::finish) once. The output does not
/// depend on how the body was split.
#[derive(Debug)]
pub struct Relay {
    lane: Lane,
    observed: Observed,
}

#[derive(Debug)]
enum Lane {
    Identity(IdentityLane),
    Canonical(Box<CanonicalLane>),
    /// No translation exists, so no byte of the provider may pass.
    Closed,
}

impl Relay {
    /// A relay for the response to `translation`.
    #[must_use]
    pub fn new(translation: &Translation<'_>, kind: ResponseKind) -> Self {
        let (client, upstream) = (&translation.client.dialect().client, &translation.upstream.dialect().upstream);
        let lane = match (client, upstream) {
            _ if translation.client == translation.upstream => Lane::Identity(IdentityLane::new(translation, kind)),
            (Some(client), Some(upstream)) => {
                Lane::Canonical(Box::new(CanonicalLane::new(translation, kind, client, upstream)))
            }
            _ => Lane::Closed,
        };
        Self { lane, observed: Observed::default() }
    }

    /// Takes the next bytes of the provider's body.
    pub fn push(&mut self, chunk: &[u8]) -> Passed {
        match &mut self.lane {
            Lane::Identity(lane) => lane.push(chunk, &mut self.observed),
            Lane::Canonical(lane) => Passed::Replaced(lane.push(chunk, &mut self.observed)),
            Lane::Closed => Passed::Replaced(Vec::new()),
        }
    }

    /// The provider's body has ended: what is still to be sent.
    ///
    /// # Errors
    /// When nothing was sent yet and nothing can be: the client awaits one JSON text, and there is none to give.
    pub fn finish(&mut self) -> Result<Vec<u8>, ResponseError> {
        match &mut self.lane {
            Lane::Identity(lane) => Ok(lane.finish(&mut self.observed)),
            Lane::Canonical(lane) => lane.finish(&mut self.observed),
            Lane::Closed => Err(ResponseError::NoTranslation),
        }
    }

    /// Why the answer cannot be passed on, or not to its end: a stream says so in an event, which is of no use where its head is yet
    /// to be sent.
    #[must_use]
    pub fn failure(&self) -> Option<&ResponseError> {
        match &self.lane {
            Lane::Canonical(lane) => lane.failure(),
            Lane::Identity(_) | Lane::Closed => None,
        }
    }

    /// What was seen, where nothing more is to come.
    #[must_use]
    pub fn into_observed(self) -> Observed {
        self.observed
    }

    /// What was seen so far.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        &self.observed
    }
}
