//! From `ota deploy` to the device, and back again.

mod apks;
mod audiences;
mod dialects;
mod history;
mod names;
mod tokens;
mod ways_back;
