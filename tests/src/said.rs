//! What a command said.

use std::process::Output;

use serde_json::Value;

/// What `ota` said, held against what all of its JSON output promises.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; -1: it was killed.
    pub code: i32,
    /// Standard output, one JSON object a line.
    pub lines: Vec<Value>,
    /// Standard error: words for people.
    pub err: String,
}

impl Said {
    /// Reads what a command left.
    ///
    /// # Panics
    /// Where standard output is anything but JSON objects, one a line; where exit code and last line disagree; where
    /// a failure has no words, or the command panicked.
    #[track_caller]
    pub fn read(output: &Output) -> Self {
        let out = std::str::from_utf8(&output.stdout).expect("standard output is text");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().unwrap_or(-1);
        assert!(!err.contains("panicked"), "{err}");
        let read = |line: &str| {
            let value: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{err}"));
            assert!(value.is_object(), "not an object: {line}");
            value
        };
        // A command that was killed may have been cut off in the middle of a line.
        let whole = if code == -1 { out.rsplit_once('\n').map_or("", |(whole, _)| whole) } else { out };
        let lines: Vec<Value> = whole.lines().map(read).collect();
        let said = Self { code, lines, err };
        said.check();
        said
    }

    #[track_caller]
    fn check(&self) {
        let is_error = |line: &Value| line.get("error").is_some();
        match self.code {
            -1 => {}
            0 => {
                assert!(!self.lines.is_empty(), "nothing was said: {self:?}");
                assert!(!self.lines.iter().any(is_error), "an error, and exit code 0: {self:?}");
            }
            1 => {
                let last = self.lines.last().unwrap_or_else(|| panic!("a failure without a line: {self:?}"));
                let error = last["error"].as_object().unwrap_or_else(|| panic!("no error: {self:?}"));
                let names: Vec<_> = error.keys().map(String::as_str).collect();
                assert_eq!(names, ["code", "message"], "{self:?}");
                let text = error["message"].as_str().expect("a text");
                assert!(text.len() > 10 && text.ends_with('.'), "not a sentence: {text}");
                assert_eq!(self.lines.iter().filter(|line| is_error(line)).count(), 1, "{self:?}");
                assert!(self.err.contains("error: "), "a failure without words: {self:?}");
            }
            2 => assert!(!self.err.is_empty(), "a usage error without words: {self:?}"),
            code => panic!("exit code {code}: {self:?}"),
        }
    }

    /// The last line of a command that did what it was asked.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn ok(&self) -> &Value {
        assert_eq!(self.code, 0, "{self:?}");
        self.lines.last().expect("it said something")
    }

    /// The code of a command that failed.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn error(&self) -> &str {
        assert_eq!(self.code, 1, "{self:?}");
        self.lines.last().and_then(|line| line["error"]["code"].as_str()).expect("a code")
    }

    /// The text of a command that failed.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn message(&self) -> &str {
        assert_eq!(self.code, 1, "{self:?}");
        self.lines.last().and_then(|line| line["error"]["message"].as_str()).expect("a text")
    }

    /// The code of a failure, or the outcome of a success.
    #[track_caller]
    pub fn word(&self) -> &str {
        match self.code {
            0 => self.ok()["outcome"].as_str().unwrap_or("no outcome"),
            1 => self.error(),
            _ => panic!("{self:?}"),
        }
    }
}
