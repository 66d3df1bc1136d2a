//! How results look: text for people, or JSON, one object a line, for programs. Results go to standard output;
//! warnings, progress and errors in words to standard error.

use std::io::{self, Write as _};

use ota_protocol::{Code, ErrorBody};
use serde::Serialize;

use crate::failure::Failure;
use crate::text::printable;

/// A command's result.
pub(crate) trait Report: Serialize {
    /// For people; lines without the last line's end.
    fn text(&self) -> String;
}

/// Something to know that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    /// A stable word.
    pub(crate) code: &'static str,
    /// What, and what to do.
    pub(crate) message: String,
}

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

#[derive(Serialize)]
struct ErrorLine {
    error: ErrorBody,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result.
    pub(crate) fn report(self, report: &impl Report) -> Result<(), Failure> {
        if self.json { self.line(report) } else { write(&printable(&report.text())) }
    }

    /// Prints one line of JSON, whatever form was asked for.
    #[allow(clippy::unused_self)] // it belongs with the others
    pub(crate) fn line(self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value)
            .map_err(|error| Failure::new(Code::Internal, format!("cannot write JSON: {error}")))?;
        write(&line)
    }

    /// Says in words what is being done. Nobody reads it with `--json`.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{}", printable(text));
        }
    }

    /// Prints a warning in words, also beside JSON.
    #[allow(clippy::unused_self)] // it belongs with the others
    pub(crate) fn warn(self, warning: &Warning) {
        let _ = writeln!(io::stderr(), "warning: {}", printable(&warning.message));
    }

    /// Prints why the command failed: in words, and with JSON also as the last line of standard output. There is
    /// nobody left to tell where that fails too.
    pub(crate) fn failure(self, failure: &Failure) {
        let _ = writeln!(io::stderr(), "error: {}", printable(&failure.to_string()));
        self.error_line(failure);
    }

    /// The error for programs alone.
    pub(crate) fn error_line(self, failure: &Failure) {
        if self.json {
            let line = serde_json::to_string(&ErrorLine { error: failure.body() }).unwrap_or_default();
            let _ = writeln!(io::stdout(), "{line}");
        }
    }
}

/// To standard output.
fn write(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever stopped reading (`| head`) has what was wanted.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Code::DiskError, format!("cannot write the result: {error}"))
                .remedy("What the command did is done; only its output is lost."))
        }
        _ => Ok(()),
    }
}
