//! The agent as a host drives it: real files, a scripted server, time that is told to pass.

#![allow(clippy::unwrap_used)] // a test may; clippy sees that only inside test functions

mod boots;
mod costs;
mod damage;
mod library;
mod modes;
mod sharing;
mod updates;
mod watched_fs;
mod world;
