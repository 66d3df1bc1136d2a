//! One file per command.

pub(crate) mod bench;
pub(crate) mod check_deps;
pub(crate) mod demo;
pub(crate) mod test;
