//! The server from outside: over HTTP, and as a program.

// Helpers are not test functions, which clippy would let unwrap.
#![allow(clippy::unwrap_used, clippy::assigning_clones)]

mod common;

mod apk;
mod backup;
mod bundle;
mod check;
mod commands;
mod data_dir;
mod history;
mod login;
mod odd_requests;
mod operators;
mod releases;
mod tokens;
mod upload;
