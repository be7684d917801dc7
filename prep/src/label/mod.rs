//! Pages to triples: which spans are answers, and which sentences are kept.

pub mod buckets;
pub(crate) mod esi;
pub mod nee;
pub(crate) mod repeats;
pub(crate) mod sentences;
