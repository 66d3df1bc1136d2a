//! The tree list.
