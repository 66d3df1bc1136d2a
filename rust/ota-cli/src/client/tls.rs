//! Whom to trust: the public web roots that are built in, so that a bare container works too, and the user's own.

use std::path::Path;

use ota_protocol::Code;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::failure::Failure;

pub(super) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, Failure> {
    // Fails where one is installed already: that is this one, or what an embedding program chose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add(&mut roots, path).map_err(|what| {
            Failure::new(Code::InvalidArgument, format!("{}: {what}", path.display()))
                .remedy("Give a file with certificates in PEM form.")
        })?;
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        count += 1;
    }
    if count == 0 { Err("there is no certificate in it".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_and_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let failure = config(Some(file.path())).unwrap_err();
        assert!(failure.to_string().contains("no certificate"), "{failure}");
        assert!(config(Some(Path::new("/nowhere/at/all.pem"))).is_err());
        config(None).unwrap();
    }
}
