//! One file per command.

pub(crate) mod check_deps;
pub(crate) mod demo;
