//! From `ota deploy` to the device, and back again.

#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::similar_names)] // `site` and `size` say what they are

mod apks;
mod audiences;
mod contents;
mod dialects;
mod history;
mod names;
mod tokens;
mod ways_back;
