//! A server and its command line on this machine, for commands that try them out.

mod binaries;
mod http;
mod ota;
mod server;
mod stop;

pub(crate) use binaries::{Binaries, Profile, build};
pub(crate) use ota::Ota;
pub(crate) use server::Server;
pub(crate) use stop::Stop;

/// The account that is made at a server's first start here.
pub(crate) const USER: &str = "admin";
/// Its password. Whoever reaches the server is on this machine.
pub(crate) const PASSWORD: &str = "not-a-secret";
