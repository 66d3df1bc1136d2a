//! Counters for `/metrics`, in Prometheus' text format. Counting costs an atomic addition.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ota_protocol::Code;

/// Upper ends of the buckets of request durations, in ms.
const BUCKETS: [u64; 10] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 60_000];

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum $name { $($variant,)+ }

        impl $name {
            const WORDS: &[&str] = &[$($word,)+];
        }
    };
}

labels! {
    /// The kind of client that checks.
    Dialect { Agent = "agent", Capgo = "capgo", Plain = "plain", }
}
labels! {
    /// What a check was answered.
    CheckAnswer {
        Update = "update",
        UpToDate = "up_to_date",
        Builtin = "builtin",
        OlderThanBuiltin = "older_than_builtin",
        Refused = "refused",
    }
}
labels! {
    /// How a login went.
    LoginAnswer { Good = "good", Wrong = "wrong", Limited = "limited", }
}
labels! {
    /// A group of routes.
    Group { Check = "check", Bundle = "bundle", Login = "login", Admin = "admin", Other = "other", }
}

impl Group {
    /// The group of a request's path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/check" | "/api/ota/check" => Self::Check,
            "/api/auth/login" => Self::Login,
            _ if path.starts_with("/api/ota/bundle/") => Self::Bundle,
            _ if path.starts_with("/api/ota/admin/") => Self::Admin,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Default)]
struct Histogram {
    /// The last one has no upper end.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    sum_us: AtomicU64,
}

/// By place in [`Code::ALL`].
#[derive(Debug)]
struct Errors([AtomicU64; Code::ALL.len()]);

impl Default for Errors {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::default()))
    }
}

/// What happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    checks: [[AtomicU64; 5]; 3],
    logins: [AtomicU64; 3],
    errors: Errors,
    durations: [Histogram; 5],
    uploads: AtomicU64,
    upload_bytes: AtomicU64,
    downloads: AtomicU64,
    download_bytes: AtomicU64,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Metrics {
    pub(crate) fn check(&self, dialect: Dialect, answer: CheckAnswer) {
        add(&self.checks[dialect as usize][answer as usize], 1);
    }

    pub(crate) fn login(&self, answer: LoginAnswer) {
        add(&self.logins[answer as usize], 1);
    }

    pub(crate) fn error(&self, code: Code) {
        if let Some(at) = Code::ALL.iter().position(|known| *known == code) {
            add(&self.errors.0[at], 1);
        }
    }

    /// A file arrived whole.
    pub(crate) fn received(&self, bytes: u64) {
        add(&self.upload_bytes, bytes);
    }

    /// A release was recorded.
    pub(crate) fn published(&self) {
        add(&self.uploads, 1);
    }

    /// A download began.
    pub(crate) fn download(&self) {
        add(&self.downloads, 1);
    }

    /// A piece of a download was handed to the connection.
    pub(crate) fn sent(&self, bytes: u64) {
        add(&self.download_bytes, bytes);
    }

    pub(crate) fn request(&self, group: Group, took: Duration) {
        let histogram = &self.durations[group as usize];
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        // A duration of exactly a bucket's end is in it; whole milliseconds are cut off, hence `<`.
        let bucket = BUCKETS.iter().position(|end| ms < *end).unwrap_or(BUCKETS.len());
        add(&histogram.buckets[bucket], 1);
        add(&histogram.sum_us, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Everything, as text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").unwrap_or_default();
        line(format_args!(
            "# HELP ota_checks_total Checks, by kind of client and answer.\n# TYPE ota_checks_total counter"
        ));
        for (dialect, answers) in Dialect::WORDS.iter().zip(&self.checks) {
            for (answer, count) in CheckAnswer::WORDS.iter().zip(answers) {
                line(format_args!(
                    "ota_checks_total{{dialect=\"{dialect}\",answer=\"{answer}\"}} {}",
                    get(count)
                ));
            }
        }
        line(format_args!(
            "# HELP ota_logins_total Logins, by how they went.\n# TYPE ota_logins_total counter"
        ));
        for (answer, count) in LoginAnswer::WORDS.iter().zip(&self.logins) {
            line(format_args!("ota_logins_total{{answer=\"{answer}\"}} {}", get(count)));
        }
        line(format_args!(
            "# HELP ota_errors_total Error answers, by code.\n# TYPE ota_errors_total counter"
        ));
        for (code, count) in Code::ALL.iter().zip(&self.errors.0).filter(|(code, _)| code.status() > 0) {
            line(format_args!("ota_errors_total{{code=\"{code}\"}} {}", get(count)));
        }
        for (name, help, count) in [
            ("uploads", "Releases recorded.", &self.uploads),
            ("upload_bytes", "Bytes of files received whole.", &self.upload_bytes),
            ("downloads", "Downloads begun, whole or in part.", &self.downloads),
            ("download_bytes", "Bytes of files sent.", &self.download_bytes),
        ] {
            line(format_args!(
                "# HELP ota_{name}_total {help}\n# TYPE ota_{name}_total counter\nota_{name}_total {}",
                get(count)
            ));
        }
        let name = "ota_http_request_duration_seconds";
        line(format_args!(
            "# HELP {name} Time until an answer began, by group of routes.\n# TYPE {name} histogram"
        ));
        for (group, histogram) in Group::WORDS.iter().zip(&self.durations) {
            let mut count = 0;
            for (at, bucket) in histogram.buckets.iter().enumerate() {
                count += get(bucket);
                match BUCKETS.get(at) {
                    #[allow(clippy::cast_precision_loss)] // below a minute
                    Some(end) => {
                        line(format_args!(
                            "{name}_bucket{{route=\"{group}\",le=\"{}\"}} {count}",
                            *end as f64 / 1000.0
                        ));
                    }
                    None => line(format_args!("{name}_bucket{{route=\"{group}\",le=\"+Inf\"}} {count}")),
                }
            }
            #[allow(clippy::cast_precision_loss)] // a sum for people
            let sum = get(&histogram.sum_us) as f64 / 1e6;
            line(format_args!(
                "{name}_sum{{route=\"{group}\"}} {sum}\n{name}_count{{route=\"{group}\"}} {count}"
            ));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::default();
        metrics.check(Dialect::Capgo, CheckAnswer::Builtin);
        metrics.error(Code::NotFound);
        metrics.request(Group::of("/check"), Duration::from_millis(2));
        metrics.sent(7);
        let text = metrics.render();
        for line in [
            "ota_checks_total{dialect=\"capgo\",answer=\"builtin\"} 1",
            "ota_errors_total{code=\"not_found\"} 1",
            "ota_download_bytes_total 7",
            "ota_http_request_duration_seconds_bucket{route=\"check\",le=\"0.001\"} 0",
            "ota_http_request_duration_seconds_bucket{route=\"check\",le=\"0.003\"} 1",
            "ota_http_request_duration_seconds_bucket{route=\"check\",le=\"+Inf\"} 1",
            "ota_http_request_duration_seconds_count{route=\"check\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }
}
