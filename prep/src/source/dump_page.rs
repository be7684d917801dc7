//! The fields of a page, parsed from its XML.

use std::borrow::Cow;
use std::io::BufRead;

use memchr::memchr;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::page_xml::{MAX_PAGE_BYTES, PageXml};
use super::site_info::SiteInfo;
use super::timestamp::parse_timestamp;

/// Longest title in bytes. MediaWiki's limit is 255, without the namespace.
const MAX_TITLE_BYTES: usize = 1024;

/// A page of a dump, with its one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpPage {
    /// Page ID.
    pub id: i64,
    /// Title with its namespace prefix.
    pub title: String,
    /// Namespace number.
    pub namespace: i32,
    /// Target title, if the dump marks the page as a redirect; empty if it does not name the target.
    pub redirect: Option<String>,
    /// Revision ID; 0 if the dump has none.
    pub revision_id: i64,
    /// Milliseconds since 1970, UTC; 0 if the dump has none, or none that can be read.
    pub timestamp: i64,
    /// Content model; `wikitext` unless the dump says otherwise.
    pub model: String,
    /// The wikitext; empty for an empty or deleted page.
    pub text: String,
    /// What is odd about the page, but no reason to lose it.
    pub issue: Option<String>,
}

/// Why a page cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPage {
    /// A required element is missing.
    #[error("page has no <{0}>")]
    Missing(&'static str),
    /// An element has an invalid value.
    #[error("<{element}> holds {found:?}, expected {expected}")]
    Value {
        /// Element name.
        element: &'static str,
        /// Its text.
        found: String,
        /// What would be valid.
        expected: &'static str,
    },
    /// The XML is not well-formed.
    #[error("not well-formed XML: {0}")]
    Xml(String),
    /// The page is larger than [`MAX_PAGE_BYTES`].
    #[error("page has {0} bytes of XML, expected at most {MAX_PAGE_BYTES}")]
    TooLarge(u64),
    /// The text was left out, as in a stub dump.
    #[error("page has a text of {0} bytes that the file leaves out: this is a stub dump; expected pages-articles")]
    Stub(String),
    /// The page has several revisions, as in a dump of the full history.
    #[error("page has several revisions: this is a history dump; expected a dump of current pages, as in pages-articles")]
    History,
}

impl MalformedPage {
    /// Whether it tells that the whole dump is of another kind.
    pub fn is_of_whole_dump(&self) -> bool {
        matches!(self, Self::History | Self::Stub(_))
    }

    /// The kind of error, as a key for counters.
    pub fn reason(&self) -> String {
        match self {
            Self::Missing(element) => format!("malformed: no {element}"),
            Self::Value { element, .. } => format!("malformed: bad {element}"),
            Self::Xml(_) => "malformed: bad xml".to_owned(),
            Self::TooLarge(_) => format!("larger than {} MiB", MAX_PAGE_BYTES >> 20),
            Self::Stub(_) => "malformed: text left out".to_owned(),
            Self::History => "malformed: several revisions".to_owned(),
        }
    }
}

impl DumpPage {
    /// Parses `<page>…</page>`.
    ///
    /// Exports before schema 0.6 have no `<ns>`; the namespace is then derived from the title and the names in `site`.
    ///
    /// # Errors
    /// The first element that is missing or invalid, XML that is not well-formed, a page that is too large, or several revisions.
    pub fn parse(page: &PageXml, site: &SiteInfo) -> Result<Self, MalformedPage> {
        if page.bytes > MAX_PAGE_BYTES as u64 {
            return Err(MalformedPage::TooLarge(page.bytes));
        }
        let xml = page.xml();
        let xml = simdutf8::compat::from_utf8(&xml).map_err(|error| MalformedPage::Xml(error.to_string()))?;
        let fields = read_fields(xml)?;
        let title = fields.title.filter(|title| !title.is_empty()).ok_or(MalformedPage::Missing("title"))?;
        if title.len() > MAX_TITLE_BYTES {
            let (element, found) = ("title", format!("{}…", &title[..title.floor_char_boundary(60)]));
            return Err(MalformedPage::Value { element, found, expected: "at most 1024 bytes" });
        }
        let namespace = match fields.ns {
            Some(ns) => parse_number("ns", &ns)?,
            None if site.has_ns_element() => return Err(MalformedPage::Missing("ns")),
            None => site.namespace_of(&title),
        };
        let id = parse_number("id", &fields.id.ok_or(MalformedPage::Missing("id"))?)?;
        match fields.revisions {
            0 => return Err(MalformedPage::Missing("revision")),
            1 => {}
            _ => return Err(MalformedPage::History),
        }
        let text = fields.text.ok_or(MalformedPage::Missing("text"))?;
        if let Some(bytes) = fields.omitted {
            return Err(MalformedPage::Stub(bytes));
        }
        let revision_id = fields.revision_id.map_or(Ok(0), |id| parse_number("revision id", &id))?;
        let timestamp = fields.timestamp.unwrap_or_default();
        let millis = parse_timestamp(&timestamp);
        let issue =
            millis.is_none().then(|| if timestamp.is_empty() { "no timestamp".to_owned() } else { format!("timestamp {timestamp:?}") });
        let model = fields.model.unwrap_or_else(|| "wikitext".to_owned());
        Ok(Self { id, title, namespace, redirect: fields.redirect, revision_id, timestamp: millis.unwrap_or_default(), model, text, issue })
    }
}

/// The texts of the elements; `None` if an element is missing.
#[derive(Default)]
struct Fields {
    title: Option<String>,
    ns: Option<String>,
    id: Option<String>,
    redirect: Option<String>,
    revision_id: Option<String>,
    timestamp: Option<String>,
    model: Option<String>,
    text: Option<String>,
    /// Bytes of a text that the dump leaves out.
    omitted: Option<String>,
    revisions: usize,
}

/// Reads the elements of `<page>` that [`DumpPage`] needs.
fn read_fields(xml: &str) -> Result<Fields, MalformedPage> {
    let mut reader = Reader::from_str(xml);
    let mut fields = Fields::default();
    let mut path: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| MalformedPage::Xml(error.to_string()))?;
        match event {
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                if name == "revision" && path.len() == 1 {
                    fields.revisions += 1;
                    path.push(name);
                    continue;
                }
                let Some(slot) = fields.slot(&path, &name) else {
                    path.push(name);
                    continue;
                };
                // Text holds no unescaped `<`, so the next one ends the element. `read_text` would parse every entity on the way.
                let rest = usize::try_from(reader.buffer_position()).ok().and_then(|at| xml.get(at..)).unwrap_or_default();
                let plain = memchr(b'<', rest.as_bytes()).filter(|&end| rest[end..].starts_with("</"));
                let raw = match plain {
                    Some(end) => {
                        reader.stream().consume(end);
                        reader.read_event().map(|_| Cow::Borrowed(&rest[..end]))
                    }
                    None => reader.read_text(tag.name()).map(|text| Cow::Owned(String::from(&*text))),
                };
                let raw = raw.map_err(|error| MalformedPage::Xml(error.to_string()))?;
                *slot = Some(text_of(&raw).map_err(|error| MalformedPage::Xml(error.to_string()))?);
            }
            Event::Empty(tag) => {
                let name = tag.local_name();
                if name.as_ref() == "redirect" && path.len() == 1 {
                    // Attributes are not compared with each other, which takes quadratic time.
                    let title = tag.attributes().with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == "title");
                    let title = title.map(|title| title.value.into_owned()).unwrap_or_default();
                    fields.redirect = Some(unescape(&title).map_err(|error| MalformedPage::Xml(error.to_string()))?.into_owned());
                } else if let Some(slot) = fields.slot(&path, name.as_ref()) {
                    *slot = Some(String::new());
                    if name.as_ref() == "text" {
                        fields.omitted = omitted_bytes(&tag);
                    }
                }
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Eof => return Ok(fields),
            _ => {}
        }
    }
}

/// The text of an element: entities decoded, CDATA sections as they are.
fn text_of(raw: &str) -> Result<String, quick_xml::escape::EscapeError> {
    if memchr(b'<', raw.as_bytes()).is_none() {
        return unescape(raw).map(Cow::into_owned);
    }
    let mut text = String::new();
    let mut rest = raw;
    while let Some((before, section)) = rest.split_once("<![CDATA[") {
        let (section, after) = section.split_once("]]>").unwrap_or((section, ""));
        text += &unescape(before)?;
        text += section;
        rest = after;
    }
    Ok(text + &unescape(rest)?)
}

/// The size of a text that an element without content stands for, unless it is empty or deleted.
fn omitted_bytes(tag: &BytesStart<'_>) -> Option<String> {
    let attribute =
        |name: &str| tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name).map(|found| found.value.into_owned());
    let bytes = attribute("bytes").filter(|bytes| bytes != "0" && !bytes.is_empty())?;
    attribute("deleted").is_none().then_some(bytes)
}

impl Fields {
    /// The field of an element, by its name and the names of the elements around it.
    fn slot(&mut self, path: &[String], name: &str) -> Option<&mut Option<String>> {
        match (path.len(), path.last()?.as_str(), name) {
            (1, _, "title") => Some(&mut self.title),
            (1, _, "ns") => Some(&mut self.ns),
            (1, _, "id") => Some(&mut self.id),
            (2, "revision", "id") => Some(&mut self.revision_id),
            (2, "revision", "timestamp") => Some(&mut self.timestamp),
            (2, "revision", "model") => Some(&mut self.model),
            (2, "revision", "text") => Some(&mut self.text),
            _ => None,
        }
    }
}

fn parse_number<T: std::str::FromStr>(element: &'static str, text: &str) -> Result<T, MalformedPage> {
    text.trim().parse().map_err(|_| MalformedPage::Value { element, found: text.to_owned(), expected: "a number" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::source::chunk::Bytes;

    const PAGE: &str = r#"<page><title>A &amp; B</title><ns>0</ns><id>5</id><redirect title="C &quot;D&quot;" />
        <revision><id>6</id><timestamp>1970-01-02T00:00:01Z</timestamp><contributor><username>x</username><id>99</id></contributor>
        <model>wikitext</model><text bytes="9" xml:space="preserve">a &lt;b&gt; &amp;amp; &#x4e2d;</text></revision></page>"#;

    fn parse(xml: &str, site: &SiteInfo) -> Result<DumpPage, MalformedPage> {
        let bytes = xml.len() as u64;
        DumpPage::parse(&PageXml { pieces: vec![Bytes::copy_from_slice(xml.as_bytes())], offset: 0, bytes }, site)
    }

    #[test]
    fn fields_are_parsed() {
        let page = parse(PAGE, &SiteInfo::default()).unwrap();
        let expected = DumpPage {
            id: 5,
            title: "A & B".to_owned(),
            namespace: 0,
            redirect: Some("C \"D\"".to_owned()),
            revision_id: 6,
            issue: None,
            timestamp: 86_401_000,
            model: "wikitext".to_owned(),
            text: "a <b> &amp; 中".to_owned(),
        };
        assert_eq!(page, expected);
    }

    #[test]
    fn errors_name_the_element() {
        let new = SiteInfo { version: "0.10".to_owned(), ..SiteInfo::default() };
        for (from, to, expected) in [
            ("<title>A &amp; B</title>", "", "page has no <title>"),
            ("<ns>0</ns>", "", "page has no <ns>"),
            ("<id>5</id>", "<id>five</id>", "<id> holds \"five\", expected a number"),
            ("<text", "<texts", "not well-formed XML"),
            ("&lt;", "&bogus;", "not well-formed XML"),
            (
                "A &amp; B",
                &"Long ".repeat(300),
                "<title> holds \"Long Long Long Long Long Long Long Long Long Long Long Long …\", expected at most 1024",
            ),
            ("</revision>", "</revision><revision></revision>", "history dump"),
        ] {
            assert!(PAGE.contains(from));
            let error = parse(&PAGE.replace(from, to), &new).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let large = PageXml { pieces: vec![Bytes::copy_from_slice(&PAGE.as_bytes()[..40])], offset: 0, bytes: 9_000_000 };
        let error = DumpPage::parse(&large, &new).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.reason().as_str()),
            ("page has 9000000 bytes of XML, expected at most 4194304", "larger than 4 MiB")
        );
    }

    #[test]
    fn texts_of_other_programs_are_read() {
        let site = SiteInfo { version: "0.10".to_owned(), ..SiteInfo::default() };
        let parse = |from: &str, to: &str| {
            assert!(PAGE.contains(from));
            parse(&PAGE.replace(from, to), &site)
        };
        let content = "a &lt;b&gt; &amp;amp; &#x4e2d;";
        for (text, expected) in [
            ("<![CDATA[a <b> & [[c]]]]>", "a <b> & [[c]]"),
            ("<![CDATA[]]>", ""),
            ("a &lt; <![CDATA[<x>]]]]><![CDATA[>]]> &amp; b", "a < <x>]]> & b"),
        ] {
            assert_eq!(parse(content, text).unwrap().text, expected);
        }
        for (timestamp, millis, issue) in [
            ("<timestamp>1970-01-02T01:00:01+01:00</timestamp>", 86_401_000, None),
            ("<timestamp>1970-01-02T00:00:01.250Z</timestamp>", 86_401_250, None),
            ("<timestamp/>", 0, Some("no timestamp")),
            ("", 0, Some("no timestamp")),
            ("<timestamp>then</timestamp>", 0, Some("timestamp \"then\"")),
        ] {
            let page = parse("<timestamp>1970-01-02T00:00:01Z</timestamp>", timestamp).unwrap();
            assert_eq!((page.timestamp, page.issue.as_deref()), (millis, issue), "{timestamp}");
        }
        let element = r#"<text bytes="9" xml:space="preserve">a &lt;b&gt; &amp;amp; &#x4e2d;</text>"#;
        for (text, expected) in [
            (r#"<text bytes="0" xml:space="preserve" />"#, Ok(String::new())),
            (r#"<text bytes="12" deleted="deleted" />"#, Ok(String::new())),
            ("<text />", Ok(String::new())),
            (r#"<text bytes="12" id="7" />"#, Err(MalformedPage::Stub("12".to_owned()))),
        ] {
            assert_eq!(parse(element, text).map(|page| page.text), expected, "{text}");
        }
    }

    #[test]
    fn exports_before_schema_0_6_derive_the_namespace_from_the_title() {
        let mut site = SiteInfo { version: "0.5".to_owned(), ..SiteInfo::default() };
        site.namespaces.insert(4, "Wikipedia".to_owned());
        let xml = PAGE.replace("<ns>0</ns>", "").replace("A &amp; B", "Wikipedia:About");
        assert_eq!(parse(&xml, &site).unwrap().namespace, 4);
    }

    #[test]
    fn a_deleted_text_is_empty() {
        let start = PAGE.find("<text").unwrap();
        let end = PAGE.find("</text>").unwrap() + "</text>".len();
        let xml = PAGE.replace(&PAGE[start..end], r#"<text bytes="0" deleted="deleted" />"#);
        assert_eq!(parse(&xml, &SiteInfo::default()).unwrap().text, "");
    }
}
