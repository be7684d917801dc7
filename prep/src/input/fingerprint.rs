//! What identifies an input before it is read.

use serde::{Deserialize, Serialize};

/// Path, size and, where it is known without reading the file, hash of an input. A run is resumed only if the fingerprints are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFingerprint {
    /// Path as given.
    pub path: String,
    /// Size in bytes; 0 if it is unknown, as of standard input.
    pub bytes: u64,
    /// BLAKE3 of a shard. `None` for a dump: what was read of it is hashed again when the run is resumed.
    pub blake3: Option<String>,
}
