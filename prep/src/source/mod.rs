//! Dumps: bytes on disk to pages of wikitext.
//!
//! [`stream`] undoes compression (bzip2 on several threads) and UTF-16 and hashes what it reads; [`split`] cuts the XML into pages without parsing it, on one
//! thread; [`xml`] parses one page, on any thread.

pub mod bzip2;
pub mod split;
pub mod stream;
pub mod xml;

pub use split::{PageChunk, SplitError, Splitter};
pub use stream::{Mark, Part, Place, Progress, Stream, check_unchanged};
pub use xml::{DumpPage, Malformed, SiteInfo};
