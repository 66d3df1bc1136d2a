//! The server's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The data directory holds password hashes; what is made in it is the server's alone, also where the directory
    // itself was made by somebody else.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    ota_server::run()
}
