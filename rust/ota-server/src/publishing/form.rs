//! The fields of an upload, as text.

use std::collections::BTreeMap;

use crate::error::ApiError;

/// Fields that are read; others are passed over, as everywhere in the protocol.
const KNOWN: [&str; 13] = [
    "version",
    "channel",
    "checksum",
    "document",
    "envelope",
    "app_id",
    "native_min",
    "native_max",
    "platforms",
    "percent",
    "mandatory",
    "retry",
    "platform",
];

/// The text fields of a form, each at most once, but for `platforms`.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: BTreeMap<String, String>,
    platforms: Vec<String>,
}

impl Form {
    /// Whether the value of the field matters.
    pub(crate) fn knows(name: &str) -> bool {
        KNOWN.contains(&name)
    }

    /// Adds a field. An empty value is the same as no field: that is how forms and scripts leave one out.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(());
        }
        if matches!(name, "platforms" | "platform") {
            let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
            self.platforms.extend(words.map(str::to_owned));
            return Ok(());
        }
        match self.fields.insert(name.to_owned(), value.to_owned()) {
            None => Ok(()),
            Some(_) => Err(ApiError::bad_request(format!("Field {name} is there twice; send it once."))),
        }
    }

    /// A field's text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Every system named.
    pub(crate) fn platforms(&self) -> &[String] {
        &self.platforms
    }

    /// A field's value, read.
    pub(crate) fn read<T>(&self, name: &str, expected: &str) -> Result<Option<T>, ApiError>
    where
        T: std::str::FromStr,
    {
        let bad = || ApiError::bad_request(format!("Field {name} is not right: {expected} is expected."));
        self.get(name).map(|text| text.parse().map_err(|_| bad())).transpose()
    }

    /// A yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("false" | "0" | "no") => Ok(false),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some(_) => {
                Err(ApiError::bad_request(format!("Field {name} is not right: true or false is expected.")))
            }
        }
    }
}
