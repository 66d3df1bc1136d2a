//! The server's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    ota_server::run()
}
