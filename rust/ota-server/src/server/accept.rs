//! Connections: taken, bounded, served, and let finish.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::Timeouts;
use crate::http::WriteTimeout;

/// Connections at once; further ones wait in the system's queue. Each idle one has a few KiB.
const CONNECTIONS: usize = 4096;
/// Files that are open besides connections: database, blobs, uploads.
const OTHER_FILES: usize = 256;
/// A connection's buffer for what it reads, in bytes: the largest piece an upload arrives in.
const BUFFER: usize = 32 * 1024;

/// How many connections the system's limit on open files allows.
fn connections() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = (CONNECTIONS * 2 + OTHER_FILES) as u64;
    if limit.current.is_some_and(|current| current < wanted) {
        let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        limit.current = Some(allowed);
        setrlimit(Resource::Nofile, limit).ok(); // then it stays as low as it is
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    // A connection may have a blob open too.
    files.map_or(CONNECTIONS, |files| (files.saturating_sub(OTHER_FILES) / 2).clamp(16, CONNECTIONS))
}

/// Serves until told to stop; then takes no more connections and returns when the last request is answered.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(connections()));
    let mut connections = JoinSet::new();
    loop {
        let taken = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => break,
            taken = take(&listener, &places) => taken,
            Some(_) = connections.join_next() => continue,
        };
        match taken {
            Ok((stream, peer, place)) => {
                let served = connection(stream, peer, router.clone(), timeouts, stopping.clone());
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of files, say: what is under way will free some.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

type Taken = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn take(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<Taken> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    timeouts: Timeouts,
    mut stopping: watch::Receiver<bool>,
) {
    stream.set_nodelay(true).ok(); // answers are written whole
    let io = TokioIo::new(WriteTimeout::new(stream, timeouts.write_idle));
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer.ip()));
        hyper::service::Service::call(&service, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.headers)
        .max_buf_size(BUFFER)
        .half_close(true)
        .serve_connection(io, service);
    tokio::pin!(connection);
    let first = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopping.wait_for(|stop| *stop) => None,
    };
    let ended = if let Some(ended) = first {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}
