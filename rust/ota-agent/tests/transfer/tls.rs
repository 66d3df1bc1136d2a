//! Certificates that are right, and all the ways in which they are not.

use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ota_agent::http::{Http, HttpOptionError, HttpOptions, Pin};
use ota_agent::transfer::TransferError;
use ota_protocol::{Code, Digest};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, PublicKeyData, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::device::Device;
use crate::fault_server::{FaultServer, answer};

/// An authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's key, and its certificate with those that vouch for it.
struct Identity {
    key: KeyPair,
    chain: Vec<CertificateDer<'static>>,
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(authority_params(name), key).expect("signed"))
    }

    fn below(name: &str, upper: &Self) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::signed_by(authority_params(name), key, &upper.0).expect("signed"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    fn pin(&self) -> String {
        pin_of(self.0.key())
    }

    fn issue(&self, name: &str, years: (i32, i32)) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let issuer: &Issuer<'_, KeyPair> = &self.0;
        let certificate = params.signed_by(&key, issuer).expect("signed");
        Identity { chain: vec![certificate.der().clone()], key }
    }
}

impl Identity {
    fn with(mut self, certificate: CertificateDer<'static>) -> Self {
        self.chain.push(certificate);
        self
    }

    fn serve(&self) -> FaultServer {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .expect("a certificate");
        FaultServer::with_tls(config, |_| answer(200, &[], b"{}"))
    }
}

fn pin_of(key: &KeyPair) -> String {
    STANDARD.encode(Digest::of(&key.subject_public_key_info()).as_bytes())
}

fn trusting(roots: &[&Authority], pins: Vec<(&str, Vec<String>)>) -> HttpOptions {
    HttpOptions {
        extra_roots_pem: roots.iter().map(|root| root.pem()).collect(),
        pins: pins.into_iter().map(|(host, sha256s)| Pin { host: host.to_owned(), sha256s }).collect(),
        ..HttpOptions::default()
    }
}

const YEARS: (i32, i32) = (2020, 2090);

fn ask(options: &HttpOptions, server: &FaultServer, host: &str) -> Result<(), TransferError> {
    Device::with(options).check(&server.url_of(host, "/check")).map(|_| ())
}

/// Refused, once, and for this reason.
fn refused(options: &HttpOptions, server: &FaultServer, host: &str, why: &str) {
    let device = Device::with(options);
    let error = device.check(&server.url_of(host, "/check")).expect_err("refused");
    assert_eq!(error.code(), Code::Offline);
    assert!(error.to_string().contains(why), "{error}");
    assert!(device.clock.sleeps().is_empty(), "it stays refused, so it is not tried again");
    assert!(server.seen().is_empty(), "the question did not go out");
}

#[test]
fn an_extra_root_is_trusted() {
    let authority = Authority::new("Ours");
    let server = authority.issue("localhost", YEARS).serve();
    ask(&trusting(&[&authority], vec![]), &server, "localhost").expect("trusted");
}

#[test]
fn an_address_in_the_certificate_is_trusted() {
    let authority = Authority::new("Ours");
    let server = authority.issue("127.0.0.1", YEARS).serve();
    ask(&trusting(&[&authority], vec![]), &server, "127.0.0.1").expect("trusted");
}

#[test]
fn an_unknown_root_is_refused() {
    let server = Authority::new("Theirs").issue("localhost", YEARS).serve();
    refused(&HttpOptions::default(), &server, "localhost", "authority is not trusted");
    refused(&trusting(&[&Authority::new("Ours")], vec![]), &server, "localhost", "authority is not trusted");
}

#[test]
fn a_wrong_name_is_refused() {
    let authority = Authority::new("Ours");
    let server = authority.issue("elsewhere.example", YEARS).serve();
    refused(&trusting(&[&authority], vec![]), &server, "localhost", "another name");
}

#[test]
fn an_expired_and_a_future_certificate_are_refused() {
    let authority = Authority::new("Ours");
    let options = trusting(&[&authority], vec![]);
    refused(&options, &authority.issue("localhost", (2020, 2021)).serve(), "localhost", "expired");
    refused(&options, &authority.issue("localhost", (2089, 2090)).serve(), "localhost", "not valid yet");
}

#[test]
fn plain_http_on_a_tls_port_is_said_to_be_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}/check", listener.local_addr().expect("an address")).parse().expect("a URL");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("written");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let device = Device::new();
    let error = device.check(&url).expect_err("refused");
    assert_eq!(error.code(), Code::Offline);
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    server.join().expect("one connection was all");
}

#[test]
fn a_pinned_key_may_be_the_servers_an_intermediates_or_the_roots() {
    let root = Authority::new("Root");
    let middle = Authority::below("Middle", &root);
    let identity = middle.issue("localhost", YEARS).with(middle.der());
    let server = identity.serve();
    let nobody = STANDARD.encode([9; 32]);
    for pin in [pin_of(&identity.key), middle.pin(), root.pin()] {
        for pins in [vec![pin.clone()], vec![nobody.clone(), pin.clone()], vec![format!("sha256/{pin}")]] {
            ask(&trusting(&[&root], vec![("LOCALHOST", pins)]), &server, "localhost").expect("pinned");
        }
    }
}

#[test]
fn a_chain_without_a_pinned_key_is_refused() {
    let root = Authority::new("Root");
    let server = root.issue("localhost", YEARS).serve();
    let pins = vec![("localhost", vec![Authority::new("Other").pin()])];
    refused(&trusting(&[&root], pins), &server, "localhost", "pinned");
}

#[test]
fn a_pinned_certificate_that_is_merely_sent_along_does_not_help() {
    let (root, pinned) = (Authority::new("Root"), Authority::new("Pinned"));
    let server = root.issue("localhost", YEARS).with(pinned.der()).serve();
    let pins = vec![("localhost", vec![pinned.pin()])];
    refused(&trusting(&[&root, &pinned], pins), &server, "localhost", "pinned");
}

#[test]
fn a_pin_does_not_make_an_untrusted_certificate_trusted() {
    let theirs = Authority::new("Theirs");
    let identity = theirs.issue("localhost", YEARS);
    let pins = vec![("localhost", vec![pin_of(&identity.key)])];
    refused(&trusting(&[], pins), &identity.serve(), "localhost", "authority is not trusted");
}

#[test]
fn pins_of_another_host_do_not_matter() {
    let root = Authority::new("Root");
    let server = root.issue("localhost", YEARS).serve();
    let pins = vec![("updates.example", vec![STANDARD.encode([9; 32])])];
    ask(&trusting(&[&root], pins), &server, "localhost").expect("not pinned");
}

#[test]
fn options_that_cannot_be_used_are_named() {
    let root = Authority::new("Root");
    let pem = |text: &str| HttpOptions {
        extra_roots_pem: vec![root.pem(), text.to_owned()],
        ..HttpOptions::default()
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "not PEM", broken] {
        let error = Http::new(&pem(text)).err().expect("refused");
        assert!(matches!(error, HttpOptionError::Root { number: 2, .. }), "{error}");
    }
    let two = format!("{}{}", root.pem(), Authority::new("Second").pem());
    assert!(Http::new(&pem(&two)).is_ok());
    let error = Http::new(&trusting(&[], vec![("a.example", vec!["x".to_owned()])])).err().expect("refused");
    assert!(matches!(&error, HttpOptionError::Pin { host, .. } if host == "a.example"));
}
