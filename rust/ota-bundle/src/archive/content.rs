//! One entry's content, inflated and checked while it is read.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::{Decompress, FlushDecompress, Status};
use ota_protocol::Digest;
use sha2::{Digest as _, Sha256};

use super::{ArchiveError, Entry, ReadAt, UnpackError};

const BUFFER: usize = 64 * 1024;

/// What one thread uses for all its entries.
pub(super) struct Buffers {
    inflater: Decompress,
    input: Vec<u8>,
    /// For the rest that a sink did not read.
    rest: Vec<u8>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { inflater: Decompress::new(false), input: vec![0; BUFFER], rest: vec![0; BUFFER] }
    }
}

/// An entry's content. Yields exactly the bytes that its header promises, the last of them only after the stream's
/// end, the size and the CRC were checked; or fails, and then keeps failing.
pub(super) struct Content<'a, R> {
    reader: &'a R,
    entry: &'a Entry,
    buffers: &'a mut Buffers,
    stop: &'a AtomicBool,
    /// Compressed bytes that were fetched so far.
    fetched: u64,
    /// The part of `buffers.input` that is yet to be inflated.
    input: std::ops::Range<usize>,
    /// The deflate stream has ended.
    ended: bool,
    /// Bytes yet to be yielded.
    left: u64,
    crc: crc32fast::Hasher,
    sha: Sha256,
    /// All checks passed.
    complete: bool,
    fault: Option<UnpackError>,
}

impl<'a, R: ReadAt> Content<'a, R> {
    pub(super) fn new(
        reader: &'a R,
        entry: &'a Entry,
        buffers: &'a mut Buffers,
        stop: &'a AtomicBool,
    ) -> Self {
        buffers.inflater.reset(false);
        Self {
            reader,
            entry,
            buffers,
            stop,
            fetched: 0,
            input: 0..0,
            ended: false,
            left: entry.size,
            crc: crc32fast::Hasher::new(),
            sha: Sha256::new(),
            complete: false,
            fault: None,
        }
    }

    /// Reads what the sink left, and judges: the archive's fault goes before the sink's error, which may only repeat it.
    pub(super) fn finish(mut self, taken: io::Result<()>) -> Result<Digest, UnpackError> {
        let taken = taken.and_then(|()| self.read_rest());
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let path = self.entry.path.shown();
        taken.map_err(|source| UnpackError::Sink { path, source })?;
        Ok(Digest::from_bytes(self.sha.finalize().into()))
    }

    fn read_rest(&mut self) -> io::Result<()> {
        if self.complete {
            return Ok(());
        }
        let mut rest = std::mem::take(&mut self.buffers.rest);
        let result = loop {
            match self.read(&mut rest) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        self.buffers.rest = rest;
        result
    }

    /// Fills `out`, which is not longer than what is left, from its start; yields how far.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), UnpackError> {
        if !self.entry.deflated {
            return self.fetch(out);
        }
        let mut filled = 0;
        while filled < out.len() {
            if self.ended {
                return Err(self.wrong_size("fewer"));
            }
            filled += self.inflate(&mut out[filled..])?;
        }
        Ok(())
    }

    /// One step of the inflater.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, UnpackError> {
        self.refill()?;
        let (inflater, input) = (&mut self.buffers.inflater, &self.buffers.input[self.input.clone()]);
        let (read, written) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(input, out, FlushDecompress::None);
        let step =
            |before: u64, after: u64| usize::try_from(after - before).expect("a step is within its buffers");
        let (read, written) = (step(read, inflater.total_in()), step(written, inflater.total_out()));
        self.input.start += read;
        match status {
            Ok(Status::StreamEnd) => self.ended = true,
            Ok(Status::Ok | Status::BufError) if read > 0 || written > 0 => {}
            Ok(Status::Ok | Status::BufError) => return Err(self.damaged("it is cut off")),
            Err(_) => return Err(self.damaged("it is no deflate stream")),
        }
        Ok(written)
    }

    fn refill(&mut self) -> Result<(), UnpackError> {
        if self.input.is_empty() && self.fetched < self.entry.compressed_size {
            let left = self.entry.compressed_size - self.fetched;
            let len = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            let mut input = std::mem::take(&mut self.buffers.input);
            let result = self.fetch(&mut input[..len]);
            self.buffers.input = input;
            result?;
            self.input = 0..len;
        }
        Ok(())
    }

    /// The next compressed bytes.
    fn fetch(&mut self, buf: &mut [u8]) -> Result<(), UnpackError> {
        let at = self.entry.offset + self.fetched;
        self.reader
            .read_exact_at(buf, at)
            .map_err(|source| UnpackError::Read { path: self.entry.path.shown(), source })?;
        self.fetched += buf.len() as u64;
        Ok(())
    }

    /// All bytes were inflated: is this the end, and were they the right ones?
    fn check_end(&mut self) -> Result<(), UnpackError> {
        while self.entry.deflated && !self.ended {
            // The end of a stream may take a few more bits; they must bring no more content.
            if self.inflate(&mut [0])? > 0 {
                return Err(self.wrong_size("more"));
            }
        }
        if !self.input.is_empty() || self.fetched != self.entry.compressed_size {
            return Err(self.damaged("it goes on after its end"));
        }
        if self.crc.clone().finalize() != self.entry.crc {
            return Err(ArchiveError::Crc { entry: self.shown() }.into());
        }
        self.complete = true;
        Ok(())
    }

    fn advance(&mut self, out: &mut [u8]) -> Result<(), UnpackError> {
        self.fill(out)?;
        self.crc.update(out);
        self.sha.update(&*out);
        self.left -= out.len() as u64;
        if self.left == 0 { self.check_end() } else { Ok(()) }
    }

    fn shown(&self) -> String {
        self.entry.path.shown()
    }

    fn damaged(&self, what: &'static str) -> UnpackError {
        ArchiveError::Content { entry: self.shown(), what }.into()
    }

    fn wrong_size(&self, what: &'static str) -> UnpackError {
        ArchiveError::Size { entry: self.shown(), what }.into()
    }
}

impl<R: ReadAt> Read for Content<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Err(io::Error::other("the zip's content cannot be read"));
        }
        if self.complete || buf.is_empty() {
            return Ok(0);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("unpacking was stopped by an error elsewhere"));
        }
        let len = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        match self.advance(&mut buf[..len]) {
            Ok(()) => Ok(len),
            Err(fault) => {
                self.fault = Some(fault);
                Err(io::Error::other("the zip's content cannot be read"))
            }
        }
    }
}
