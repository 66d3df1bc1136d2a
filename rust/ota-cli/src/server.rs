//! A server's address.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// Where a server is: scheme, host, port, and the path below which its routes are.
///
/// Written in one form only, without a `/` at the end, since logins are kept by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server(String);

impl Server {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a route; `path` starts with `/`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    fn host(&self) -> Option<Host> {
        Url::parse(&self.0).ok()?.host().map(|host| host.to_owned())
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether what is said to it can be read on the way.
    pub(crate) fn is_open_to_others(&self) -> bool {
        self.0.starts_with("http:") && !self.is_loopback()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "a server is https://HOST or http://HOST:PORT, without user, query or fragment";
        let url = Url::parse(text.trim()).map_err(|_| SHAPE)?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !is_plain {
            return Err(SHAPE);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Server {
        text.parse().unwrap()
    }

    #[test]
    fn one_server_has_one_name() {
        for text in ["https://Example.com", "https://example.com:443/", " https://example.com "] {
            assert_eq!(server(text).as_str(), "https://example.com");
        }
        assert_eq!(server("https://example.com/ota/").at("/check"), "https://example.com/ota/check");
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in
            ["", "example.com", "localhost:8080", "ftp://a", "https://u:p@a", "https://a?b", "https://a#b"]
        {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_is_open_to_others_unless_it_stays_on_this_machine() {
        for text in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "https://example.com"] {
            assert!(!server(text).is_open_to_others(), "{text}");
        }
        assert!(server("http://192.168.1.2:8080").is_open_to_others());
    }
}
