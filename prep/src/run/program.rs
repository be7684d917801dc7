//! Which program writes a folder.

/// Name and version of the program, as manifests and checkpoints record them.
pub const PROGRAM: &str = concat!("prep ", env!("CARGO_PKG_VERSION"));
