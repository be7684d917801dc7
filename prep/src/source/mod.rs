//! Dumps: bytes of a file to pages with their fields.
//!
//! 1. [`input_stream`] opens a file, decompresses it (bzip2 on several threads), decodes UTF-16, and hashes the bytes it reads.
//! 2. [`page_splitter`] splits the XML into pages without parsing it, on one thread.
//! 3. [`dump_page`] parses the XML of one page, on any thread.
//!
//! [`multistream_index`] checks a multistream dump against its index. Nothing here knows wikitext.

pub mod bzip2;
mod decompressor;
pub mod dump_page;
mod hashing_reader;
pub mod input_stream;
pub mod multistream_index;
pub mod page_splitter;
mod page_xml;
mod seek_point;
mod site_info;
mod timestamp;
mod utf16;

pub use dump_page::{DumpPage, MalformedPage};
pub use hashing_reader::{BytesRead, check_unchanged};
pub use input_stream::InputStream;
pub use multistream_index::MultistreamIndex;
pub use page_splitter::{PageSplitter, SplitError};
pub use page_xml::{MAX_PAGE_BYTES, PageXml};
pub use seek_point::{FilePart, ResumePoint, SeekPoint};
pub use site_info::SiteInfo;
