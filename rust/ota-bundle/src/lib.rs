//! ota-bundle
