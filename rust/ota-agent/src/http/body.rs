//! A body, read by blocking.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::drive::{Driver, Limits};
use super::fault;
use crate::ports::{Cancel, TransportError};

/// A body. What the connection gave is copied once, into the reader's buffer.
pub(super) struct Reading {
    driver: Arc<Driver>,
    /// `None`: it ended, or failed.
    response: Option<reqwest::Response>,
    limits: Limits,
    cancel: Cancel,
    /// What came and was not read yet.
    rest: Bytes,
}

impl Reading {
    pub(super) fn new(
        driver: Arc<Driver>,
        response: reqwest::Response,
        limits: Limits,
        cancel: Cancel,
    ) -> Self {
        Self { driver, response: Some(response), limits, cancel, rest: Bytes::new() }
    }

    /// The next bytes; `None`: the end.
    fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        let Some(response) = &mut self.response else { return Ok(None) };
        let next = self
            .driver
            .drive(self.limits, &self.cancel, response.chunk())
            .and_then(|chunk| chunk.map_err(|error| fault::classify(&error)));
        match next {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => {
                self.response = None;
                Ok(None)
            }
            Err(error) => {
                self.give_up();
                Err(error)
            }
        }
    }

    /// Nothing more is wanted of this connection: it is closed now, not with the next call.
    fn give_up(&mut self) {
        if self.response.take().is_some() {
            self.driver.settle();
        }
    }
}

impl Read for Reading {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !buf.is_empty() {
            match self.next()? {
                Some(bytes) => self.rest = bytes,
                None => return Ok(0),
            }
        }
        let part = buf.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buf[..part]);
        Ok(part)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.give_up();
    }
}
