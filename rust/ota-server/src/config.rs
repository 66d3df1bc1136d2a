//! What a server is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ota_protocol::AppId;

use crate::http::Cidr;

/// The upload limit unless told otherwise, in bytes: 512 MiB.
pub(crate) const MAX_UPLOAD: u64 = 512 * 1024 * 1024;

/// The account made at the first start.
#[derive(Clone)]
pub struct Admin {
    /// Its name.
    pub name: String,
    /// Its password; `None`: one is made, and printed once on standard error.
    pub password: Option<String>,
}

/// Under which URL clients reach the server: an origin, with a path before the routes where a proxy adds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// The text is not a public URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public URL: one such as https://ota.example.com is expected")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.trim_end_matches('/');
        let rest =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(InvalidPublicUrl)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]/%".contains(&b);
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || !rest.bytes().all(allowed) {
            return Err(InvalidPublicUrl);
        }
        Ok(Self(text.to_owned()))
    }
}

/// How long the server waits for a client.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a request's headers, also between two requests of a connection.
    pub headers: Duration,
    /// Without a byte of an upload.
    pub body_idle: Duration,
    /// Without a byte of an answer taken.
    pub write_idle: Duration,
    /// An upload for its turn, while many others are received.
    pub turn: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(30),
            body_idle: Duration::from_secs(30),
            write_idle: Duration::from_mins(1),
            turn: Duration::from_mins(1),
        }
    }
}

/// Everything a server is started with.
#[derive(Clone)]
pub struct Config {
    /// Where everything is kept; made where it is missing.
    pub data: PathBuf,
    /// Where to listen; port 0: any free one.
    pub listen: SocketAddr,
    /// Under which URL clients reach the server; `None`: as each request says.
    pub public_url: Option<PublicUrl>,
    /// The account to make where it does not exist; `None`: `admin`, where there is no account at all.
    pub admin: Option<Admin>,
    /// The largest file taken, in bytes.
    pub max_upload: u64,
    /// The app served; `None`: the first deploy that names one fixes it.
    pub app_id: Option<AppId>,
    /// Proxies whose `X-Forwarded-…` headers count.
    pub trusted_proxies: Vec<Cidr>,
    /// How long the server waits for a client.
    pub timeouts: Timeouts,
}

impl Config {
    /// A server on any free port of this machine, with everything else as it is without options.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            admin: None,
            max_upload: MAX_UPLOAD,
            app_id: None,
            trusted_proxies: Vec::new(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Reads a number of bytes such as `512MiB`, `1G`, `1048576`.
pub(crate) fn parse_size(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "a size such as 512MiB or 1GiB is expected";
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| EXPECTED)?;
    let unit = match text[digits..].trim().to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return Err(EXPECTED),
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in
            [("1", 1), ("512MiB", MAX_UPLOAD), ("1 GB", 1 << 30), ("2k", 2048), ("1048576", 1 << 20)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "0", "MiB", "1T", "-1", "1.5M", "99999999999999999999"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_urls_are_read_or_refused() {
        for (text, url) in [
            ("https://ota.example.com/", "https://ota.example.com"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("https://example.com/updates/", "https://example.com/updates"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().as_str(), url);
        }
        for bad in [
            "",
            "ota.example.com",
            "ftp://x",
            "https://",
            "https:///x",
            "https://a b",
            "https://a\"",
            "https://a?b",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
