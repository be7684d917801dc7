//! `PageSplitter` and `DumpPage`: any bytes after the head of a dump give pages or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prep::source::{DumpPage, PageSplitter};

fuzz_target!(|data: &[u8]| {
    let head: &[u8] = b"<mediawiki xml:lang=\"en\"><siteinfo><dbname>enwiki</dbname></siteinfo><page>";
    let xml = [head, data].concat();
    let Ok(splitter) = PageSplitter::new(xml.as_slice()) else { return };
    let site = splitter.site().clone();
    for page in splitter.flatten() {
        let _ = DumpPage::parse(&page, &site);
    }
});
