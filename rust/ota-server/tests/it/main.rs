//! The server from outside: over HTTP, and as a program.

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
