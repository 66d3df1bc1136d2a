//! `ota-server backup FILE`

use std::error::Error;
use std::path::PathBuf;

use clap::Args;

use super::Data;
use crate::backup;

#[derive(Args)]
pub(super) struct Backup {
    /// The tar to write; one that is there is replaced once the new one is complete
    file: PathBuf,
    #[command(flatten)]
    data: Data,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let db = self.data.open_existing()?;
        let blobs = backup::write(&self.data.data, &db, &self.file)?;
        eprintln!("{}: database and {blobs} files", self.file.display());
        Ok(())
    }
}
