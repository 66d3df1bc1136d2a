//! ota-agent
