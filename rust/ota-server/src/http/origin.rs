//! Under which address clients see this server.

use axum::http::{HeaderMap, header};

/// The origin that URLs in answers begin with: the public URL, or what the request says. A trusted proxy's headers
/// come before the request's own.
pub(crate) fn origin(public_url: Option<&str>, headers: &HeaderMap, is_proxy_trusted: bool) -> String {
    if let Some(url) = public_url {
        return url.to_owned();
    }
    let forwarded = |name: &str| {
        let value = is_proxy_trusted.then(|| headers.get(name)?.to_str().ok()).flatten()?;
        value.split(',').next().map(str::trim)
    };
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = forwarded("x-forwarded-host").into_iter().chain(own).find(|host| is_host(host));
    // A request without a usable Host can only be an odd client's; localhost is at least a URL.
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

/// A name or address with a port, and nothing that would end a URL's host or a JSON text.
fn is_host(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_public_url_comes_first() {
        assert_eq!(
            origin(Some("https://ota.example.com"), &headers(&[("host", "x")]), true),
            "https://ota.example.com"
        );
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let headers = headers(&[
            ("host", "10.0.0.1:8080"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "ota.example.com"),
        ]);
        assert_eq!(origin(None, &headers, true), "https://ota.example.com");
        assert_eq!(origin(None, &headers, false), "http://10.0.0.1:8080");
    }

    #[test]
    fn a_host_that_would_break_a_url_is_not_used() {
        for host in ["a/b", "a\"b", "a b", "user@host", ""] {
            assert_eq!(origin(None, &headers(&[("host", host)]), false), "http://localhost", "{host}");
        }
        assert_eq!(origin(None, &headers(&[("host", "[::1]:80")]), false), "http://[::1]:80");
    }
}
