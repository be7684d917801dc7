//! Dumps: bytes of a file to pages with their fields.
//!
//! 1. [`input_stream`] opens a file, hashes its bytes on a thread of their own, and decompresses it: bzip2 on several threads, gzip, zstd and
//!    xz on one, as UTF-16 is decoded.
//! 2. [`page_splitter`] finds where the pages of the XML end, on one thread. Chunks of the stream are shared, not copied ([`chunk`]).
//! 3. [`dump_page`] parses the XML of one page, on any thread.
//!
//! [`line_batches`] divides other dumps into lines. [`multistream_index`] checks a multistream dump against its index. Nothing here knows wikitext.
//!
//! ```
//! use prep::source::{DumpPage, PageSplitter};
//!
//! let xml = r#"<mediawiki version="0.11" xml:lang="en"><page><title>Cat</title><ns>0</ns><id>6</id><revision>
//!     <timestamp>2024-05-17T16:33:09Z</timestamp><text>A [[mammal]].</text></revision></page></mediawiki>"#;
//! let splitter = PageSplitter::new(xml.as_bytes())?;
//! let site = splitter.site().clone();
//! for page in splitter {
//!     let page = DumpPage::parse(&page?, &site)?;
//!     assert_eq!((page.title.as_str(), page.text.as_str()), ("Cat", "A [[mammal]]."));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buffer_pool;
pub mod bzip2;
pub mod chunk;
mod chunk_window;
mod decoder_thread;
mod decompressor;
pub mod dump_page;
mod file_chunks;
mod file_kind;
mod input_hash;
pub mod input_stream;
pub mod line_batches;
pub mod multistream_index;
pub mod page_splitter;
#[cfg(test)]
mod page_splitter_tests;
mod page_xml;
mod seek_point;
mod site_info;
mod text_decoder;
mod timestamp;

pub use chunk::ChunkReader;
pub use dump_page::{DumpPage, MalformedPage};
pub use file_chunks::BytesRead;
pub use input_hash::{PendingResumePoint, check_unchanged};
pub use input_stream::{InputStream, is_serial};
pub use line_batches::{LineBatch, LineBatches};
pub use multistream_index::MultistreamIndex;
pub use page_splitter::{PageSplitter, SplitError};
pub use page_xml::{MAX_PAGE_BYTES, PageXml};
pub use seek_point::{FilePart, ResumePoint, SeekPoint};
pub use site_info::SiteInfo;
