//! The agent as a host drives it: real files, a scripted server, time that is told to pass.

mod boots;
mod damage;
mod library;
mod modes;
mod sharing;
mod updates;
mod world;
