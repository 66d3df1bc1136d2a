//! One thread that opens every upload, one after the other.
//!
//! A bundle of very many files takes some 20 MiB while it is looked at. The system's allocator keeps what a thread
//! freed for that thread: spread over the threads for blocking work, the server would hold it many times over.

use std::sync::mpsc::{Sender, channel};

use ota_protocol::Code;
use tokio::sync::oneshot;

use crate::error::ApiError;

type Job = Box<dyn FnOnce() + Send>;

/// The thread; it ends when this is dropped.
pub(super) struct Checker {
    jobs: Sender<Job>,
}

impl Checker {
    pub(super) fn start() -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        std::thread::Builder::new().name("checker".to_owned()).spawn(move || {
            for job in queue {
                // A bug that one file brings out must not end the checks of all others; its own answer is an
                // internal error, since nobody sends it any more.
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).ok();
            }
        })?;
        Ok(Self { jobs })
    }

    /// Runs `work` when its turn has come. How many wait is bounded by how many uploads are received.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (sender, receiver) = oneshot::channel();
        let job = move || {
            // Nobody waits any more where the client has gone; then the work is not done either.
            if !sender.is_closed() {
                sender.send(work()).ok();
            }
        };
        self.jobs.send(Box::new(job)).map_err(|_| ApiError::of(Code::Unavailable))?;
        receiver.await.map_err(ApiError::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_the_next_one_is_checked() {
        let checker = Checker::start().unwrap();
        let error = checker.run(|| -> Result<(), ApiError> { panic!("a bug") }).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert_eq!(checker.run(|| Ok(7)).await.unwrap(), 7);
    }
}
