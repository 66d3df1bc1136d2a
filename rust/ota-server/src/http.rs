//! What HTTP asks of every handler: bodies, addresses, origins, ranges, files.

mod address;
mod body;
mod file;
mod idle;
mod origin;
mod range;

pub(crate) use address::client_address;
pub use address::{Cidr, InvalidCidr};
pub(crate) use body::{content_type_is, json, read_json};
pub(crate) use file::FileBody;
pub(crate) use idle::WriteTimeout;
pub(crate) use origin::origin;
pub(crate) use range::{Answer, Conditions, decide};
