//! Pins: which keys a host's chain must hold.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ota_protocol::Digest;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, Error};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::{HttpOptionError, Pin};

/// Keys by host, in lowercase.
#[derive(Debug, Default)]
pub(super) struct Pins(HashMap<String, Vec<Digest>>);

impl Pins {
    pub(super) fn read(pins: &[Pin]) -> Result<Self, HttpOptionError> {
        let mut hosts: HashMap<String, Vec<Digest>> = HashMap::new();
        for pin in pins {
            let bad =
                |reason: &str| HttpOptionError::Pin { host: pin.host.clone(), reason: reason.to_owned() };
            if pin.sha256s.is_empty() {
                return Err(bad("there is none, so no certificate would do"));
            }
            let keys = hosts.entry(bare(&pin.host)).or_default();
            for text in &pin.sha256s {
                keys.push(read_key(text).ok_or_else(|| bad("a pin is the base64 of 32 bytes"))?);
            }
        }
        Ok(Self(hosts))
    }

    /// Passes hosts without pins, and those whose chain from certificate to root, as it was verified, holds a pinned
    /// key. A certificate that the server merely sends along counts for nothing: anybody can send anybody's.
    pub(super) fn check(
        &self,
        host: &ServerName<'_>,
        chain: &[CertificateDer<'_>],
        certificate: &CertificateDer<'_>,
        roots: &[TrustAnchor<'_>],
        now: UnixTime,
        algorithms: &rustls::crypto::WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        let Some(keys) = self.0.get(&bare(&host.to_str())) else { return Ok(()) };
        // Paths without a pinned key are passed over, so that a cross-signed chain may hold it on its other branch.
        let pinned = |path: &VerifiedPath<'_>| {
            if holds(path, keys) { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
        };
        EndEntityCert::try_from(certificate)
            .and_then(|end| {
                let usage = KeyUsage::server_auth();
                end.verify_for_usage(algorithms.all, roots, chain, now, usage, None, Some(&pinned))
                    .map(|_| ())
            })
            .map_err(|_| CertificateError::ApplicationVerificationFailure.into())
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(['.', ']']).to_ascii_lowercase()
}

fn read_key(text: &str) -> Option<Digest> {
    let text = text.trim();
    let text = text.strip_prefix("sha256/").unwrap_or(text);
    let bytes = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}

fn holds(path: &VerifiedPath<'_>, keys: &[Digest]) -> bool {
    let pinned = |spki: &[u8]| keys.contains(&Digest::of(spki));
    pinned(&path.end_entity().subject_public_key_info())
        || path.intermediate_certificates().any(|cert| pinned(&cert.subject_public_key_info()))
        || pinned(&sequence(&path.anchor().subject_public_key_info))
}

/// A trust anchor keeps its key's DER without the outer header, which is part of what is pinned.
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![0x30];
    match *length {
        [] => der.push(0),
        [short] if short < 0x80 => der.push(short),
        _ => {
            der.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            der.extend_from_slice(length);
        }
    }
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_sequence_has_the_shortest_length() {
        for (length, header) in [
            (0, vec![0x30, 0]),
            (5, vec![0x30, 5]),
            (127, vec![0x30, 127]),
            (128, vec![0x30, 0x81, 128]),
            (294, vec![0x30, 0x82, 1, 38]),
            (65_536, vec![0x30, 0x83, 1, 0, 0]),
        ] {
            let der = sequence(&vec![7; length]);
            assert_eq!(der[..header.len()], header, "{length}");
            assert_eq!(der.len(), header.len() + length);
        }
    }

    #[test]
    fn a_pin_is_base64_of_32_bytes() {
        let text = STANDARD.encode([7; 32]);
        let key = Some(Digest::from_bytes([7; 32]));
        assert_eq!(read_key(&text), key);
        assert_eq!(read_key(&format!(" sha256/{text}\n")), key);
        assert_eq!(read_key(text.trim_end_matches('=')), key);
        for bad in ["", "sha256/", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33]), "not base64!"] {
            assert_eq!(read_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_without_a_single_pin_is_an_error() {
        let pin = |sha256s: Vec<String>| Pin { host: "a.example".to_owned(), sha256s };
        assert!(Pins::read(&[pin(vec![])]).is_err());
        assert!(Pins::read(&[pin(vec!["x".to_owned()])]).is_err());
        assert!(Pins::read(&[pin(vec![STANDARD.encode([7; 32])])]).is_ok());
    }
}
