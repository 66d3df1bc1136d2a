//! Every route, in one place. `openapi.json` describes exactly these; a test holds the two against each other.

use std::net::IpAddr;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use ota_protocol::Code;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::{Peer, Shared};
use crate::controllers::{apk, bundle, check, history, login, meta, releases};
use crate::error::{Answered, ApiError};
use crate::metrics::Group;

/// Path, methods as documented, handler.
type Route = (&'static str, &'static [&'static str], MethodRouter<Shared>);

fn routes() -> Vec<Route> {
    vec![
        // Devices
        ("/check", &["post"], post(check::check)),
        ("/api/ota/check", &["post"], post(check::check)),
        ("/api/ota/bundle/{key}", &["get", "head"], get(bundle::serve)),
        // People and machines that publish
        ("/api/auth/login", &["post"], post(login::login)),
        ("/api/ota/admin/ota/upload", &["post"], post(history::upload)),
        ("/api/ota/admin/ota/history", &["get"], get(history::list)),
        ("/api/ota/admin/ota/{channel}/{version}", &["delete"], delete(history::delete)),
        ("/api/ota/admin/apk/upload", &["post"], post(apk::upload)),
        ("/api/ota/admin/apk/history", &["get"], get(apk::list)),
        ("/api/ota/admin/apk/{version}", &["delete"], delete(apk::delete)),
        ("/api/ota/admin/releases", &["get"], get(releases::list)),
        ("/api/ota/admin/releases/{channel}/{version}/promote", &["post"], post(releases::promote)),
        ("/api/ota/admin/releases/{channel}/{version}/rollback", &["post"], post(releases::roll_back)),
        // Operators
        ("/healthz", &["get"], get(meta::health)),
        ("/metrics", &["get"], get(meta::metrics)),
        ("/api/openapi.json", &["get"], get(meta::openapi)),
    ]
}

/// The whole server as one service.
pub(crate) fn router(app: Shared) -> Router {
    let router =
        routes().into_iter().fold(Router::new(), |router, (path, _, handler)| router.route(path, handler));
    router
        .fallback(|| async { ApiError::of(Code::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::of(Code::MethodNotAllowed) })
        .layer(CatchPanicLayer::custom(|_| ApiError::of(Code::Internal).into_response()))
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Counts and logs every request.
async fn observe(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let group = Group::of(request.uri().path());
    // Devices' questions are many and alike: they are counted, and only logged when somebody looks for trouble.
    let is_logged = match group {
        Group::Login | Group::Admin => tracing::enabled!(tracing::Level::INFO),
        _ => tracing::enabled!(tracing::Level::DEBUG),
    };
    let asked = is_logged.then(|| {
        let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
        (request.method().clone(), request.uri().path().to_owned(), app.client(peer, request.headers()))
    });
    let mut response = next.run(request).await;
    let took = start.elapsed();
    app.metrics.request(group, took);
    if let Some(Answered(code)) = response.extensions().get() {
        app.metrics.error(*code);
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some((method, path, client)) = asked {
        let (status, duration_ms) =
            (response.status().as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        if matches!(group, Group::Login | Group::Admin) {
            tracing::info!(%method, path, %client, status, duration_ms, "answered");
        } else {
            tracing::debug!(%method, path, %client, status, duration_ms, "answered");
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_openapi_document_lists_exactly_these_routes() {
        let document: serde_json::Value = serde_json::from_str(meta::OPENAPI).unwrap();
        let documented: BTreeSet<_> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
                methods.map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        let served: BTreeSet<_> = routes()
            .iter()
            .flat_map(|(path, methods, _)| methods.iter().map(|m| ((*path).to_owned(), (*m).to_owned())))
            .collect();
        assert_eq!(documented, served);
    }

    #[test]
    fn every_error_code_of_the_openapi_document_is_one() {
        let document: serde_json::Value = serde_json::from_str(meta::OPENAPI).unwrap();
        let codes =
            document["components"]["schemas"]["Error"]["properties"]["code"]["enum"].as_array().unwrap();
        let listed: BTreeSet<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
        let served: BTreeSet<_> =
            Code::ALL.iter().filter(|code| code.status() > 0).map(|code| code.as_str()).collect();
        assert_eq!(listed, served);
    }
}
