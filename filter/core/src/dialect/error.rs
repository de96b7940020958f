//! What an encoder of errors is given.

/// An error that the gateway makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientError<'a> {
    /// The status of the response.
    pub status: u16,
    /// OpenAI's word for the kind: `invalid_request_error`.
    pub kind: &'a str,
    /// A code next to the kind: `model_not_found`.
    pub code: Option<&'a str>,
    /// For people.
    pub message: &'a str,
    /// The request member it is about.
    pub param: Option<&'a str>,
}
