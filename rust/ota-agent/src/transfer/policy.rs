//! How often, how long, and to whom.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use url::{Host, Url};

/// How often is tried, how long is waited, and where plain http is allowed. The time to connect is the transport's
/// own (`http::HttpOptions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Hosts to which plain http is allowed, beside loopback: names or addresses without a port, in any case.
    pub http_hosts: Vec<String>,
    /// Tries a request, the first included. Default 4; 0 counts as 1.
    pub attempts: u32,
    /// Before try `n + 1` a random time between zero and `base_delay * 2^(n-1)` is waited. Default 1 s.
    pub base_delay: Duration,
    /// No wait between tries is longer. Default 30 s.
    pub max_delay: Duration,
    /// No byte for this long ends a try. Default 20 s.
    pub idle: Duration,
    /// A check is given this long in all, tries and waits included. Default 30 s.
    pub check_total: Duration,
}

impl Policy {
    /// A server's wish to be left alone counts for this many seconds at most: a day.
    pub const MAX_RETRY_AFTER: u64 = 24 * 60 * 60;
    /// For how many seconds a 429 without a usable `Retry-After` counts.
    pub const DEFAULT_RETRY_AFTER: u64 = 60;
    /// Redirects that are followed for one request.
    pub const MAX_REDIRECTS: usize = 5;

    /// Whether `url` may be asked as far as its host goes: https anywhere, http to loopback or an allowed host.
    pub fn allows(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => {
                is_loopback(url)
                    || url
                        .host_str()
                        .is_some_and(|host| self.http_hosts.iter().any(|allowed| same_host(allowed, host)))
            }
            _ => false,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            http_hosts: Vec::new(),
            attempts: 4,
            base_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
            idle: Duration::from_secs(20),
            check_total: Duration::from_secs(30),
        }
    }
}

/// An IPv6 address is written with brackets in URLs and often without them in configs.
fn same_host(allowed: &str, host: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    bare(allowed) == bare(host)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &[&str], url: &str) -> bool {
        let policy =
            Policy { http_hosts: hosts.iter().map(ToString::to_string).collect(), ..Policy::default() };
        policy.allows(&url.parse().expect(url))
    }

    #[test]
    fn https_is_allowed_anywhere() {
        assert!(allows(&[], "https://example.com/check"));
    }

    #[test]
    fn plain_http_is_allowed_to_loopback_alone() {
        for url in [
            "http://127.0.0.1:8080/",
            "http://127.8.9.1/",
            "http://[::1]:1/",
            "http://localhost/",
            "http://a.localhost/",
        ] {
            assert!(allows(&[], url), "{url}");
        }
        for url in [
            "http://example.com/",
            "http://10.0.2.2/",
            "http://localhost.example.com/",
            "http://0.0.0.0/",
            "http://127.0.0.1.nip.io/",
        ] {
            assert!(!allows(&[], url), "{url}");
        }
    }

    #[test]
    fn plain_http_is_allowed_to_the_hosts_of_the_config() {
        assert!(allows(&["10.0.2.2", "Dev.Example.com"], "http://10.0.2.2:8080/"));
        assert!(allows(&["10.0.2.2", "Dev.Example.com"], "http://dev.example.com/"));
        assert!(allows(&["fd00::1"], "http://[fd00::1]/"));
        assert!(!allows(&["example.com"], "http://evil.example.com/"));
    }

    #[test]
    fn no_other_scheme_is_allowed() {
        for url in ["ftp://localhost/", "file:///etc/passwd", "data:text/plain,x", "ws://127.0.0.1/"] {
            assert!(!allows(&["localhost", ""], url), "{url}");
        }
    }
}
