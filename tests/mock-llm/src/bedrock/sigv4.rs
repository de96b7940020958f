//! Whether a request is signed with AWS's Signature Version 4, by the one key that the mock knows
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::error::error;
use crate::provider::Call;
use crate::send::Answer;

/// The key of AWS's own examples.
const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a request's clock may be off, in seconds.
const SKEW: u64 = 300;

/// That the request carries a bearer token (a Bedrock API key), or a signature that is right.
pub(super) fn authorized(call: &Call<'_>) -> Result<(), Answer> {
    let authorization = call.header("authorization").unwrap_or_default();
    if authorization.strip_prefix("Bearer ").is_some_and(|token| !token.is_empty()) {
        return Ok(());
    }
    match authorization.strip_prefix(ALGORITHM) {
        Some(fields) => signed(call, &Fields::read(fields)),
        None => Err(error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")),
    }
}

/// The parts of the header `authorization`.
#[derive(Default)]
struct Fields<'a> {
    /// Access key, day, region, service and `aws4_request`.
    credential: Vec<&'a str>,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Fields<'a> {
    fn read(fields: &'a str) -> Self {
        let mut read = Self::default();
        for (name, value) in fields.split(',').filter_map(|field| field.trim().split_once('=')) {
            match name {
                "Credential" => read.credential = value.split('/').collect(),
                "SignedHeaders" => read.signed_headers = value,
                "Signature" => read.signature = value,
                _ => {}
            }
        }
        read
    }
}

fn signed(call: &Call<'_>, fields: &Fields<'_>) -> Result<(), Answer> {
    let invalid = |message: &str| Err(error(403, "InvalidSignatureException", message));
    let [key, day, region, service, "aws4_request"] = fields.credential[..] else {
        return Err(error(
            403,
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements.",
        ));
    };
    if key != ACCESS_KEY_ID {
        return Err(error(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    if service != "bedrock" {
        return invalid("Credential should be scoped to correct service: 'bedrock'.");
    }
    let time = call.header("x-amz-date").unwrap_or_default();
    if !time.starts_with(day) {
        return invalid(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{time}'."
        ));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if seconds(time).is_none_or(|signed| signed.abs_diff(now) > SKEW) {
        return invalid(&format!("Signature expired or not yet current: {time}"));
    }
    let names: Vec<&str> = fields.signed_headers.split(';').collect();
    let present = ["host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"].into_iter();
    if let Some(unsigned) = present.filter(|name| call.header(name).is_some()).find(|name| !names.contains(name)) {
        return invalid(&format!("'{unsigned}' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let body = hex::encode(Sha256::digest(call.body));
    if call.header("x-amz-content-sha256").is_some_and(|stated| stated != body) {
        return invalid("The value of x-amz-content-sha256 does not match the body.");
    }
    let canonical = canonical(call, &names, fields.signed_headers, &body);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(&canonical)));
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET_ACCESS_KEY}").into_bytes(), |key, part| mac(&key, part));
    if hex::encode(mac(&key, &to_sign)) == fields.signature {
        return Ok(());
    }
    invalid(&format!(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing \
         method. Consult the service documentation for details.\n\nThe Canonical String for this request should have \
         been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n"
    ))
}

fn canonical(call: &Call<'_>, names: &[&str], signed_headers: &str, body: &str) -> String {
    let headers = names.iter().map(|name| {
        let value = call.header(name).unwrap_or_default();
        format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    let mut query: Vec<String> = call
        .uri
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    query.sort();
    // For all services but S3 the path, encoded already, is encoded once more.
    let path = encoded(call.uri.path());
    let headers = headers.collect::<String>();
    format!("{}\n{path}\n{}\n{headers}\n{signed_headers}\n{body}", call.method, query.join("&"))
}

fn encoded(path: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    // Any length of key will do.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(message.as_bytes()).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// `20150830T123600Z` in seconds since 1970.
fn seconds(time: &str) -> Option<u64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let clock = number(9, 11)? * 3600 + number(11, 13)? * 60 + number(13, 15)?;
    // Years begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    Some(days.checked_sub(719_469)? * 86_400 + clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time() {
        assert_eq!(seconds("19700101T000000Z"), Some(0));
        assert_eq!(seconds("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(seconds("20240229T235959Z"), Some(1_709_251_199));
        assert_eq!(seconds("yesterday"), None);
    }

    /// The derived key of AWS's documents.
    #[test]
    fn derives_the_key_that_aws_publishes() {
        let parts = ["20120215", "us-east-1", "iam", "aws4_request"];
        let first = format!("AWS4{SECRET_ACCESS_KEY}").into_bytes();
        let key = parts.iter().fold(first, |key, part| mac(&key, part));
        assert_eq!(hex::encode(key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }
}
