//! Where a redirect leads, decided without touching anything.

use url::Url;

use super::error::TransferError;
use super::policy::Policy;
use crate::ports::Method;

/// The way of one request so far, its start first.
#[derive(Debug)]
pub(super) struct Way(Vec<Url>);

impl Way {
    pub(super) fn new(start: Url) -> Self {
        Self(vec![start])
    }

    /// Goes where `location` says.
    ///
    /// The method stays. A 301 or 302 to a post is posted again, though browsers would turn it into a GET: a check
    /// changes nothing on the server, so asking twice is safe, and as a GET the question would be lost (the usual
    /// cause is a redirect to https or to another path). A 303 to a post says that the answer is elsewhere and not
    /// an answer to the question: no update server does that, portals do.
    ///
    /// # Errors
    /// None of them goes away by asking again.
    pub(super) fn follow(
        &mut self,
        status: u16,
        location: Option<&str>,
        method: Method,
        policy: &Policy,
    ) -> Result<&Url, TransferError> {
        let bad = |reason: String| TransferError::BadReply { reason };
        if status == 303 && method == Method::Post {
            return Err(bad("the question was redirected to a page (303)".to_owned()));
        }
        let from = self.0.last().ok_or_else(|| bad("a redirect from nowhere".to_owned()))?;
        let location = location.ok_or_else(|| bad(format!("a redirect ({status}) without a target")))?;
        let mut to = from.join(location).map_err(|_| bad(format!("a redirect ({status}) to no URL")))?;
        to.set_fragment(None);
        // Credentials of one server are not another's, and a server has none to hand out. (Taking them away fails only
        // on URLs that cannot have any.)
        let _ = to.set_username("");
        let _ = to.set_password(None);
        check_scheme(&to, policy)?;
        if self.0.contains(&to) {
            return Err(bad("redirects lead in a circle".to_owned()));
        }
        if self.0.len() > Policy::MAX_REDIRECTS {
            return Err(bad(format!("more than {} redirects", Policy::MAX_REDIRECTS)));
        }
        self.0.push(to);
        self.0.last().ok_or_else(|| bad("a redirect to nowhere".to_owned()))
    }
}

/// Refuses a URL that must not be asked.
pub(super) fn check_scheme(url: &Url, policy: &Policy) -> Result<(), TransferError> {
    if policy.allows(url) {
        Ok(())
    } else if url.scheme() == "http" {
        Err(TransferError::InsecureUrl { host: url.host_str().unwrap_or_default().to_owned() })
    } else {
        Err(TransferError::BadReply { reason: format!("the scheme `{}` is not http or https", url.scheme()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(start: &str, steps: &[&str]) -> Result<String, TransferError> {
        let policy = Policy { http_hosts: vec!["dev.example".to_owned()], ..Policy::default() };
        let mut way = Way::new(start.parse().expect("a URL"));
        for step in steps {
            way.follow(302, Some(step), Method::Get, &policy)?;
        }
        Ok(way.0.last().expect("not empty").to_string())
    }

    fn refusal(start: &str, steps: &[&str]) -> String {
        follow(start, steps).expect_err("refused").to_string()
    }

    #[test]
    fn relative_and_absolute_targets_are_followed() {
        assert_eq!(follow("https://a.example/x/y", &["z"]).expect("ok"), "https://a.example/x/z");
        assert_eq!(follow("https://a.example/x/y", &["/z?q#f"]).expect("ok"), "https://a.example/z?q");
        assert_eq!(follow("https://a.example/x", &["//b.example/y"]).expect("ok"), "https://b.example/y");
        assert_eq!(
            follow("http://dev.example/x", &["https://dev.example/x"]).expect("ok"),
            "https://dev.example/x"
        );
    }

    #[test]
    fn plain_http_is_entered_only_where_it_is_allowed() {
        let error = follow("https://a.example/", &["http://a.example/"]).expect_err("refused");
        assert!(matches!(error, TransferError::InsecureUrl { host } if host == "a.example"));
        assert!(follow("https://a.example/", &["http://dev.example/"]).is_ok());
        assert!(follow("https://a.example/", &["http://127.0.0.1:1/"]).is_ok());
    }

    #[test]
    fn other_schemes_are_refused() {
        for target in ["ftp://a.example/", "file:///etc/passwd", "data:,x", "javascript:1"] {
            assert!(refusal("https://a.example/", &[target]).contains("scheme"), "{target}");
        }
    }

    #[test]
    fn circles_are_noticed_at_once() {
        assert!(refusal("https://a.example/1", &["/1"]).contains("circle"));
        assert!(refusal("https://a.example/1", &["/2", "/1"]).contains("circle"));
        assert!(refusal("https://a.example/1", &["/2", "/2#again"]).contains("circle"));
    }

    #[test]
    fn five_redirects_are_followed_and_not_a_sixth() {
        let steps = ["/1", "/2", "/3", "/4", "/5", "/6"];
        assert!(follow("https://a.example/", &steps[..5]).is_ok());
        assert!(refusal("https://a.example/", &steps).contains("more than 5"));
    }

    #[test]
    fn a_target_is_needed() {
        let policy = Policy::default();
        let mut way = Way::new("https://a.example/".parse().expect("a URL"));
        assert!(way.follow(301, None, Method::Get, &policy).is_err());
        assert!(way.follow(301, Some("https://["), Method::Get, &policy).is_err());
    }

    #[test]
    fn a_post_stays_a_post_except_for_see_other() {
        let policy = Policy::default();
        for (status, followed) in [(301, true), (302, true), (303, false), (307, true), (308, true)] {
            let mut way = Way::new("https://a.example/".parse().expect("a URL"));
            assert_eq!(way.follow(status, Some("/b"), Method::Post, &policy).is_ok(), followed, "{status}");
        }
    }

    #[test]
    fn credentials_are_never_handed_on() {
        let start = "https://user:secret@a.example/";
        for target in ["https://b.example/", "https://x:y@a.example/2", "https://x:y@b.example/", "/2"] {
            let end = follow(start, &[target]).expect("followed");
            assert!(!end.contains('@'), "{target} led to {end}");
        }
    }
}
