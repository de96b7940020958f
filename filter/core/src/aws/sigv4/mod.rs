//! AWS Signature Version 4 in request headers
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>), as a pure function.

mod canonical_request;
#[cfg(test)]
mod tests;
mod timestamp;

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

const DATE: &str = "x-amz-date";
const SECURITY_TOKEN: &str = "x-amz-security-token";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const AUTHORIZATION: &str = "authorization";

/// What a request is signed with.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Names the key; it is sent.
    pub access_key_id: &'a str,
    /// Never sent.
    pub secret_access_key: &'a str,
    /// Sent with temporary credentials, and of no use without the secret.
    pub session_token: Option<&'a str>,
}

/// A request about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// In capitals.
    pub method: &'a str,
    /// As it will be on the wire: percent-encoded once, from the first slash to before the query.
    pub path: &'a str,
    /// As it will be on the wire, without the question mark; empty when there is none.
    pub query: &'a str,
    /// The headers to sign, which nothing may change on the way. `host` must be among them; those that [`sign`] gives must
    /// not.
    pub headers: &'a [(&'a str, &'a str)],
    /// All of the body.
    pub body: &'a [u8],
    /// `us-east-1`.
    pub region: &'a str,
    /// The service's name in signatures: `bedrock`.
    pub service: &'a str,
    /// Now, in seconds since 1970. AWS refuses what is more than five minutes off.
    pub time_s: u64,
}

/// The headers to add to `request` so that AWS knows who sent it: `x-amz-date`, `x-amz-security-token` where there is one,
/// `x-amz-content-sha256` and `authorization`. Each replaces what the request has under its name.
#[must_use]
pub fn sign(credentials: &Credentials<'_>, request: &SigningRequest<'_>) -> Vec<(&'static str, String)> {
    let date_time = timestamp::basic(request.time_s);
    let mut added = vec![(DATE, date_time.clone())];
    added.extend(credentials.session_token.map(|token| (SECURITY_TOKEN, token.to_owned())));
    added.push((CONTENT_SHA256, sha256_hex(request.body)));

    let (canonical, signed_headers) = canonical_request::request(request, &added);
    let date = date_time.get(..8).unwrap_or_default();
    let scope = format!("{date}/{}/{}/aws4_request", request.region, request.service);
    let to_sign = format!("{ALGORITHM}\n{date_time}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let key = signing_key(credentials.secret_access_key, date, request.region, request.service);
    let signature = hex::encode(hmac(&key, to_sign.as_bytes()));

    let id = credentials.access_key_id;
    let authorization =
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}");
    added.push((AUTHORIZATION, authorization));
    added
}

/// The key of one day, region and service.
fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let of_date = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    let of_region = hmac(&of_date, region.as_bytes());
    let of_service = hmac(&of_region, service.as_bytes());
    hmac(&of_service, b"aws4_request")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length will do (RFC 2104 §2), so the other arm is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
