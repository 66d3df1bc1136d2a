//! Why a command did not do what was asked.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use ota_bundle::{ArchiveError, PackError, ScanError, UnpackError};
use ota_protocol::{Code, ErrorBody};

/// Exit code for a command line that makes no sense.
pub(crate) const USAGE: u8 = 2;
const FAILED: u8 = 1;

/// A stable code, what happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// A word of [`Code`], or one of a later server's.
    code: String,
    /// A fragment without a full stop, or whole sentences where `remedy` is empty.
    what: String,
    remedy: String,
    exit: u8,
}

impl Failure {
    /// With the code's own remedy.
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        let (what, remedy) = (what.into(), code.remedy().to_owned());
        Self { code: code.to_string(), what, remedy, exit: FAILED }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { exit: USAGE, ..Self::new(Code::InvalidArgument, what) }.remedy("See `ota help`.")
    }

    /// As the server says it; its text has what to do.
    pub(crate) fn of_server(body: ErrorBody) -> Self {
        Self { code: body.code, what: body.message, remedy: String::new(), exit: FAILED }
    }

    /// Something else to do than what the code says.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// With the file or folder that it is about in front.
    pub(crate) fn about(mut self, path: &Path) -> Self {
        self.what = format!("{}: {}", path.display(), self.what);
        self
    }

    /// A file or folder that could not be used.
    pub(crate) fn disk(operation: &str, path: &Path, error: &io::Error) -> Self {
        let what = format!("cannot {operation} {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::NotFound => {
                Self::new(Code::InvalidArgument, what).remedy("Check the path and repeat the command.")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(Code::NoRoom, what).remedy("Free space there and repeat the command.")
            }
            _ => Self::new(Code::DiskError, what).remedy("Make it accessible and repeat the command."),
        }
    }

    pub(crate) fn is(&self, code: Code) -> bool {
        self.code == code.as_str()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// As the last line of JSON output.
    pub(crate) fn body(&self) -> ErrorBody {
        let message = match self.remedy.as_str() {
            "" => self.what.clone(),
            remedy => format!("{}. {remedy}", self.what),
        };
        ErrorBody { code: self.code.clone(), message }
    }
}

/// As text for people, without the `error: ` in front.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  {}", self.remedy)?;
        }
        Ok(())
    }
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let what = chain(&error);
        match error {
            ScanError::Io { path, source } => Self::disk("read", &path, &source),
            ScanError::NoIndexHtml { .. } => Self::new(Code::NoIndexHtml, what)
                .remedy("Give the build's output folder, the one with index.html in it."),
            ScanError::Limit(_) => Self::new(Code::ArchiveTooLarge, what),
            // What the device refuses in a zip, under the same code.
            _ => Self::new(Code::ArchiveRefused, what)
                .remedy("Give the build's output folder alone, or remove or rename what is named."),
        }
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let what = chain(&error);
        match error {
            PackError::Scan(error) => error.into(),
            PackError::Limit(_) => Self::new(Code::ArchiveTooLarge, what),
            PackError::Changed { .. } => Self::new(Code::InvalidArgument, what)
                .remedy("Wait until the build is done, and repeat the command."),
            PackError::Write { source } => Self::disk("write", Path::new("the zip"), &source),
            _ => Self::new(Code::Internal, what),
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let what = chain(&error);
        match Code::parse(error.code()) {
            Some(code) => Self::new(code, what),
            None => Self::new(Code::DiskError, what).remedy("Repeat the command; the zip may be intact."),
        }
    }
}

impl From<UnpackError> for Failure {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Archive(error) => error.into(),
            _ => {
                Self::new(Code::DiskError, chain(&error)).remedy("Repeat the command; the zip may be intact.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_say_what_happened_and_what_to_do() {
        let failure = Failure::new(Code::NotAZip, "x.zip: not a zip");
        assert_eq!(failure.to_string(), "x.zip: not a zip\n  Make it with `ota bundle zip`.");
        assert_eq!(failure.body().message, "x.zip: not a zip. Make it with `ota bundle zip`.");
        assert_eq!(failure.body().code, "not_a_zip");
    }

    #[test]
    fn a_servers_sentence_stays_as_it_is() {
        let body = ErrorBody { code: "of_next_year".into(), message: "Do that.".into() };
        let failure = Failure::of_server(body.clone());
        assert_eq!(failure.to_string(), "Do that.");
        assert_eq!(failure.body(), body);
    }

    #[test]
    fn a_zip_is_refused_with_the_devices_codes() {
        assert!(Failure::from(ArchiveError::NoEndRecord).is(Code::NotAZip));
        assert!(Failure::from(ArchiveError::NoIndexHtml).is(Code::NoIndexHtml));
        assert!(Failure::from(ArchiveError::Encrypted { entry: "a".into() }).is(Code::ArchiveRefused));
        let read = ArchiveError::Read { source: io::Error::other("gone") };
        assert!(Failure::from(read).is(Code::DiskError));
    }
}
