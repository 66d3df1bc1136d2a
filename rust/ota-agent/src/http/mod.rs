//! The real network: [`Transport`](crate::ports::Transport) over reqwest, rustls and ring.
