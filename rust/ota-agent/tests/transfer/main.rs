//! Checks and downloads over real sockets, against servers that behave and servers that do not.

#![cfg(feature = "http")]
#![allow(unreachable_pub)] // the support is shared between test binaries
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // small numbers

#[path = "../support/fault_server.rs"]
mod fault_server;

mod checks;
mod device;
mod disks;
mod downloads;
mod kills;
mod plain;
mod tls;
