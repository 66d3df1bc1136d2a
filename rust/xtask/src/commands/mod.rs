//! One file per command.

pub(crate) mod check_deps;
