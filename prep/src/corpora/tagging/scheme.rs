//! The tagging schemes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How tags mark where an entity begins and ends. `O` marks a token outside of entities in all of them.
///
/// | scheme | one token | two | three | also called |
/// |---|---|---|---|---|
/// | `Bio` | `B` | `B I` | `B I I` | IOB2 |
/// | `Iob1` | `I` | `I I` | `I I I`; the first is `B` right after an entity of the same label | IOB |
/// | `Io` | `I` | `I I` | `I I I`; adjacent entities of a label are one | |
/// | `Bmes` | `S` | `B E` | `B M E` | |
/// | `Bieos` | `S` | `B E` | `B I E` | BIOES; BILOU with `L` for `E` and `U` for `S` |
///
/// IOB1 is the scheme of Ramshaw and Marcus, *Text Chunking using Transformation-Based Learning* (1995). BIO is its variant IOB2 of
/// Ratnaparkhi (1998).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaggingScheme {
    /// B begins an entity, I continues it.
    Bio,
    /// I marks every token. B begins an entity right after another one of the same label.
    Iob1,
    /// I marks every token.
    Io,
    /// B begins an entity, M continues it, E ends it; S is an entity of one token.
    Bmes,
    /// B begins an entity, I continues it, E ends it; S is an entity of one token.
    Bieos,
}

impl fmt::Display for TaggingScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bio => "BIO",
            Self::Iob1 => "IOB1",
            Self::Io => "IO",
            Self::Bmes => "BMES",
            Self::Bieos => "BIEOS",
        })
    }
}
