//! A server of its own for each test, with a clock that stands still.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;

use ota_protocol::Checksum;
use ota_server::{Admin, Config, ManualClock, Running, Server};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An HTTP client. Built with the whole workspace, reqwest has TLS without a provider, and asks for one even to speak
/// plain HTTP.
pub(crate) fn client() -> Client {
    // Somebody was first: just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

/// When every test begins.
pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct TestServer {
    pub(crate) running: Running,
    pub(crate) url: String,
    pub(crate) dir: Arc<TempDir>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) http: Client,
    pub(crate) token: String,
}

pub(crate) fn config(data: &Path) -> Config {
    Config {
        admin: Some(Admin { name: "admin".into(), password: Some(PASSWORD.into()) }),
        ..Config::new(data)
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::on(dir, Arc::new(ManualClock::at(START)), change).await
    }

    /// On a directory that may have been used before.
    pub(crate) async fn on(
        dir: Arc<TempDir>,
        clock: Arc<ManualClock>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config(&dir.path().join("data"));
        change(&mut config);
        let running = Server::start_with(config, clock.clone()).await.unwrap();
        let url = running.url();
        let http = client();
        let mut server = Self { running, url, dir, clock, http, token: String::new() };
        let reply = server.login("admin", PASSWORD).await.json;
        server.token = reply["token"].as_str().unwrap_or_default().to_owned();
        server
    }

    /// Stops, and starts again on the same directory; `between` sees it while nobody uses it.
    pub(crate) async fn restart(self, between: impl FnOnce(&Path)) -> Self {
        self.running.stop().await;
        between(&self.dir.path().join("data"));
        Self::on(self.dir, self.clock, |_| {}).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(&self.token)
    }

    pub(crate) async fn login(&self, name: &str, password: &str) -> Answer {
        let body = json!({ "username": name, "password": password });
        Answer::of(self.request(Method::POST, "/api/auth/login").json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.admin(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.admin(Method::DELETE, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.admin(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    /// A check; the answer's JSON.
    pub(crate) async fn check(&self, body: Value) -> Value {
        let answer = self.post("/check", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    /// Uploads `zip` with its checksum and these fields.
    pub(crate) async fn upload(&self, zip: &[u8], fields: &[(&str, &str)]) -> Answer {
        let checksum = Checksum::of(zip).to_string();
        let mut all = vec![("checksum", checksum.as_str())];
        all.extend(fields);
        self.upload_form("/api/ota/admin/ota/upload", Some(zip), &all).await
    }

    pub(crate) async fn upload_form(
        &self,
        path: &str,
        file: Option<&[u8]>,
        fields: &[(&str, &str)],
    ) -> Answer {
        let form = form(file, fields);
        Answer::of(self.admin(Method::POST, path).multipart(form).send().await.unwrap()).await
    }

    /// Publishes a bundle that holds its version; it must work.
    pub(crate) async fn publish(&self, channel: &str, version: &str) -> Value {
        self.publish_with(channel, version, &[]).await
    }

    pub(crate) async fn publish_with(&self, channel: &str, version: &str, fields: &[(&str, &str)]) -> Value {
        let mut all = vec![("channel", channel), ("version", version)];
        all.extend(fields);
        let answer = self.upload(&bundle(version), &all).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    pub(crate) async fn apk(&self, version: &str) -> Answer {
        let apk = zip(&[("AndroidManifest.xml", version), ("classes.dex", "code")]);
        self.upload_form("/api/ota/admin/apk/upload", Some(&apk), &[("version", version)]).await
    }

    /// The names of the files that hold bytes, and of those being received.
    pub(crate) fn blobs(&self) -> Vec<String> {
        names(&self.dir.path().join("data/blobs"))
    }

    pub(crate) fn staging(&self) -> Vec<String> {
        names(&self.dir.path().join("data/staging"))
    }
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn form(file: Option<&[u8]>, fields: &[(&str, &str)]) -> Form {
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    match file {
        Some(bytes) => form.part("file", Part::bytes(bytes.to_vec()).file_name("bundle.zip")),
        None => form,
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, json }
    }

    /// Status and code of an error, whose text is a sentence.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert!(self.json["message"].as_str().is_some_and(|text| text.len() > 10), "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn bundle(content: &str) -> Vec<u8> {
    zip(&[("index.html", content), ("js/app.js", "run()")])
}

/// Bytes that do not compress.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(len)
    .collect()
}

/// A bundle of about `len` bytes.
pub(crate) fn large_bundle(len: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("index.html", options).unwrap();
    zip.write_all(b"hello").unwrap();
    zip.start_file("noise.bin", options).unwrap();
    zip.write_all(&noise(len)).unwrap();
    zip.finish().unwrap().into_inner()
}
