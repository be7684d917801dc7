//! Dumps: bytes on disk to pages of wikitext.
//!
//! [`stream`] undoes compression (bzip2 on several threads) and UTF-16 and hashes what it reads; [`split`] cuts the XML into pages without parsing it, on one
//! thread; [`xml`] parses one page, on any thread. [`index`] says what a multistream dump must hold.

pub mod bzip2;
pub mod index;
pub mod split;
pub mod stream;
pub mod xml;

pub use index::Index;
pub use split::{PageChunk, SplitError, Splitter};
pub use stream::{Mark, Part, Place, Progress, Stream, check_unchanged};
pub use xml::{DumpPage, Malformed, SiteInfo};
