//! Pages of a dump, wherever chunks end and whatever lies between them.
#![allow(clippy::unwrap_used)]

use super::chunk::{Bytes, ChunkReader};
use super::page_splitter::{KEPT_OF_LARGE_PAGE, PageSplitter, SplitError};
use super::page_xml::{MAX_PAGE_BYTES, PageXml};
use super::site_info::SiteInfo;

const HEAD: &str = r#"<mediawiki version="0.11" xml:lang="en"><siteinfo><dbname>enwiki</dbname></siteinfo>"#;

/// Returns chunks of a few bytes, so that chunks end at every position.
struct Trickle<'a>(&'a [u8], usize);

impl ChunkReader for Trickle<'_> {
    fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
        let (chunk, rest) = self.0.split_at(self.1.min(self.0.len()));
        self.0 = rest;
        Ok((!chunk.is_empty()).then(|| Bytes::copy_from_slice(chunk)))
    }
}

#[test]
fn pages_are_split_wherever_reads_end() {
    let pages: Vec<String> = (0..30).map(|n| format!("<page>{}</page>", "x".repeat(n * 7))).collect();
    let xml = format!("{HEAD}\n{}\n</mediawiki>", pages.join("\n  "));
    for step in [1, 2, 3, 7, 64, 5000] {
        let splitter = PageSplitter::new(Trickle(xml.as_bytes(), step)).unwrap();
        assert_eq!(splitter.site().dbname, "enwiki");
        let chunks: Vec<PageXml> = splitter.map(Result::unwrap).collect();
        assert_eq!(chunks.len(), 30);
        for (chunk, page) in chunks.iter().zip(&pages) {
            assert_eq!(chunk.xml(), page.as_bytes());
            assert!(xml[usize::try_from(chunk.offset).unwrap()..].starts_with(page));
        }
    }
}

#[test]
fn reading_resumes_at_any_byte() {
    let pages: Vec<String> = (0..20).map(|n| format!("<page>{n}{}</page>", "x".repeat(n * 7))).collect();
    let xml = format!("{HEAD}\n{}\n</mediawiki>", pages.join("\n  "));
    for start in HEAD.len()..xml.len() - "</mediawiki>".len() {
        let reader_offset = start - start % 10;
        let splitter =
            PageSplitter::resume(Trickle(&xml.as_bytes()[reader_offset..], 5), SiteInfo::default(), reader_offset as u64, start as u64, 0)
                .unwrap();
        let chunks: Vec<PageXml> = splitter.map(Result::unwrap).collect();
        let expected = xml[start..].matches("<page>").count();
        assert_eq!(chunks.len(), expected, "{start}");
        for chunk in chunks {
            assert!(xml.as_bytes()[usize::try_from(chunk.offset).unwrap()..].starts_with(&chunk.xml()));
        }
    }
}

#[test]
fn reading_continues_after_damage() {
    struct Faulty<'a>(Vec<&'a str>);
    impl ChunkReader for Faulty<'_> {
        fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
            match self.0.pop() {
                Some("!") => Err(std::io::Error::other("broken")),
                text => Ok(text.map(|text| Bytes::copy_from_slice(text.as_bytes()))),
            }
        }
    }
    let parts = ["<page>a</page><page>b", "!", "c</page>x<page>d</page></mediawiki>"];
    let head = format!("{HEAD}<page>0</page>{}", " ".repeat(600));
    let mut splitter = PageSplitter::new(Faulty([parts[2], parts[1], parts[0], &head].to_vec())).unwrap();
    let mut found = Vec::new();
    loop {
        match splitter.next() {
            Some(Ok(chunk)) => found.push(String::from_utf8(chunk.xml().into_owned()).unwrap()),
            Some(Err(SplitError::Stream { .. })) => splitter.skip_damage(),
            Some(Err(error)) => panic!("{error}"),
            None => break,
        }
    }
    assert_eq!(found, ["<page>0</page>", "<page>a</page>", "<page>d</page>"]);
}

#[test]
fn a_page_that_is_too_large_is_truncated() {
    let large = format!("<page><title>Large</title>{}</page>", "x".repeat(MAX_PAGE_BYTES * 3));
    let xml = format!("{HEAD}<page>a</page>{large}<page>b</page></mediawiki>");
    let chunks: Vec<PageXml> = PageSplitter::new(Trickle(xml.as_bytes(), 1 << 19)).unwrap().map(Result::unwrap).collect();
    assert_eq!(chunks.iter().map(|chunk| chunk.bytes).collect::<Vec<_>>(), [14, large.len() as u64, 14]);
    assert!(chunks[1].xml_bytes() == KEPT_OF_LARGE_PAGE && large.as_bytes().starts_with(&chunks[1].xml()));
    assert!(xml[usize::try_from(chunks[2].offset).unwrap()..].starts_with("<page>b"));
}

#[test]
fn an_incomplete_dump_is_an_error() {
    let check = |xml: String| -> String {
        match PageSplitter::new(xml.as_bytes()) {
            Ok(splitter) => splitter.filter_map(Result::err).map(|error| error.to_string()).collect(),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(check(format!("{HEAD}</mediawiki>")), "");
    assert!(check(format!("{HEAD}<page>a</page><page>b")).contains("ends inside a page"));
    assert!(check(format!("{HEAD}<page>a</page>")).contains("ends after a page"));
    assert!(check("%PDF-1.4".to_owned()).contains("not a MediaWiki dump"));
    assert!(check(String::new()).contains("not a MediaWiki dump"));
}

#[test]
fn comments_and_cdata_hide_pages() {
    let text = "<text><![CDATA[see </page> and <page>]]]]><![CDATA[>]]></text>";
    let xml = format!(
        "{HEAD}<!-- <page>no</page> --><page>a</page><!-- a <page>\n<page>b</page> -->\n<!----><page>c{text}</page>\
         <page>d<text>&lt;!-- </text></page><page>e --&gt;</page></mediawiki>"
    );
    for step in [1, 3, 10, 5000] {
        let pages: Vec<String> = PageSplitter::new(Trickle(xml.as_bytes(), step))
            .unwrap()
            .map(|page| String::from_utf8(page.unwrap().xml().into_owned()).unwrap())
            .collect();
        let expected = ["a", &format!("c{text}"), "d<text>&lt;!-- </text>", "e --&gt;"].map(|page| format!("<page>{page}</page>"));
        assert_eq!(pages, expected, "{step}");
    }
}

#[test]
fn one_stream_of_a_dump_has_neither_head_nor_end() {
    let splitter = PageSplitter::new(&b"\n  <page>a</page>\n  <page>b</page>\n"[..]).unwrap();
    assert!(splitter.site().is_fragment);
    assert_eq!(splitter.map(Result::unwrap).count(), 2);
    let errors: Vec<String> =
        PageSplitter::new(&b"<page>a</page><page>b"[..]).unwrap().filter_map(Result::err).map(|error| error.to_string()).collect();
    assert!(errors.concat().contains("ends inside a page"), "{errors:?}");
}

#[test]
fn other_files_are_named() {
    let logging = format!("{HEAD}<logitem><id>1</id></logitem></mediawiki>");
    for (file, name) in [
        (&b"7z\xbc\xaf\x27\x1c\0\x04"[..], "7z archive"),
        (b"-- MySQL dump 10.19\n--\nINSERT INTO `page` VALUES", "SQL dump"),
        (b"<feed>\n<doc>\n<title>Wikipedia: A</title>", "abstracts"),
        (b"{\"name\":\"A\",\"article_body\":{\"html\":\"<p>\"}}\n", "Enterprise HTML"),
        (b"[\n{\"type\":\"item\",\"id\":\"Q1\"}", "Wikidata"),
        (b"<!DOCTYPE html><html><body>404", "HTML page"),
        (logging.as_bytes(), "pages-logging"),
    ] {
        let error = PageSplitter::new(file).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(name) && !error.contains('\n'), "{name}: {error}");
    }
    let talk = format!("{HEAD}<page><text>INSERT INTO and &lt;html in a text</text></page></mediawiki>");
    assert!(PageSplitter::new(talk.as_bytes()).is_ok());
}
