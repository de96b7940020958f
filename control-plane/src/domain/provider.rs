//! A configured upstream account.

use std::net::IpAddr;

use tollgate_core::words::{Format, Secret};
use url::{Host, Url};

use super::Kind;

/// A provider, ready to be compiled.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Unique; letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// Whose API it is.
    pub kind: Kind,
    /// What it speaks, best first; never empty.
    pub formats: Vec<Format>,
    /// Where it is.
    pub base_url: BaseUrl,
    /// How it knows who asks.
    pub credential: Credential,
    /// Fixed headers, lower-case names. Values may be secret.
    pub headers: Vec<(String, Secret)>,
    /// Output cap of a request that must state one and does not; 0 for none.
    pub default_max_tokens: u32,
}

/// How a provider knows who asks.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `api_key: none`.
    None,
    /// A header, whose name is the kind's.
    Key(Secret),
    /// A signature over each request.
    Aws(AwsCredentials),
}

/// What requests to AWS are signed with.
#[derive(Debug, Clone)]
pub struct AwsCredentials {
    /// Letters, digits and dashes.
    pub region: String,
    /// Names the secret.
    pub access_key_id: String,
    /// Never sent.
    pub secret_access_key: Secret,
    /// Of keys that expire.
    pub session_token: Option<Secret>,
}

/// Where a provider is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// `https` rather than `http`.
    pub tls: bool,
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
    /// Empty, or begins with `/` and does not end with it.
    pub path_prefix: String,
}

impl BaseUrl {
    /// From an address as people write it; without a path it gets the one of its kind.
    ///
    /// # Errors
    /// What it holds that such an address must not.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(InvalidUrl::Syntax)?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(InvalidUrl::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUrl::Query);
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(InvalidUrl::Scheme),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(InvalidUrl::Port)?;
        let path = url.path().trim_end_matches('/');
        let path_prefix = if path.is_empty() { kind.path_prefix() } else { path }.to_owned();
        Ok(Self { tls, host, port, path_prefix })
    }

    /// `host` or `host:port`, as the request's authority states it.
    pub fn authority(&self) -> String {
        let host = match self.host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

/// Why an address cannot be a provider's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is in its message")]
pub enum InvalidUrl {
    #[error("is not a URL ({0}); write https://host/v1")]
    Syntax(url::ParseError),
    #[error("must begin with http:// or https://")]
    Scheme,
    #[error("must not hold a user or a password; use `api_key` or `headers`")]
    Credentials,
    #[error("must not have a query or a fragment")]
    Query,
    #[error("has no usable port")]
    Port,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_gets_the_one_of_its_kind() {
        let url = BaseUrl::parse("http://127.0.0.1:8090", Kind::Anthropic).expect("valid");
        assert_eq!((url.authority().as_str(), url.path_prefix.as_str()), ("127.0.0.1:8090", "/v1"));
        let url = BaseUrl::parse("https://host/a/b/", Kind::Openai).expect("valid");
        assert_eq!((url.authority().as_str(), url.path_prefix.as_str(), url.port), ("host", "/a/b", 443));
        let url = BaseUrl::parse("http://[::1]:80/x", Kind::Openai).expect("valid");
        assert_eq!((url.authority().as_str(), url.host.as_str()), ("[::1]", "::1"));
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        assert_eq!(BaseUrl::parse("ftp://host", Kind::Openai), Err(InvalidUrl::Scheme));
        assert_eq!(BaseUrl::parse("https://u:p@host", Kind::Openai), Err(InvalidUrl::Credentials));
        assert_eq!(BaseUrl::parse("https://host?x=1", Kind::Openai), Err(InvalidUrl::Query));
        assert!(matches!(BaseUrl::parse("host", Kind::Openai), Err(InvalidUrl::Syntax(_))));
    }
}
