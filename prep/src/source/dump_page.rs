//! One page's XML to its fields.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;

use memchr::memchr;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

use super::split::{MAX_PAGE, PageChunk};

/// What a dump says of its wiki, in `<siteinfo>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteInfo {
    /// Version of the export schema, as in `0.11`.
    pub version: String,
    /// Language, from `xml:lang`.
    pub lang: String,
    /// Database name, as in `enwiki`.
    pub dbname: String,
    /// Names of the namespaces by number; none where the dump has no `<siteinfo>`.
    pub namespaces: BTreeMap<i32, String>,
}

impl SiteInfo {
    /// Reads what there is: a dump may have no `<siteinfo>` at all.
    pub fn parse(head: &str) -> Self {
        let mut site = Self::default();
        let mut reader = Reader::from_str(head);
        let mut namespace = None;
        let mut in_dbname = false;
        loop {
            match reader.read_event() {
                Ok(Event::Start(tag) | Event::Empty(tag)) => {
                    let attribute = |name: &str| {
                        let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?;
                        Some(found.value.into_owned())
                    };
                    match tag.local_name().as_ref() {
                        "mediawiki" => {
                            site.version = attribute("version").unwrap_or_default();
                            site.lang = attribute("xml:lang").unwrap_or_default();
                        }
                        "dbname" => in_dbname = true,
                        "namespace" => {
                            namespace = attribute("key").and_then(|key| key.parse().ok());
                            if let Some(key) = namespace {
                                site.namespaces.insert(key, String::new());
                            }
                        }
                        _ => {}
                    }
                }
                Ok(Event::Text(text)) => {
                    let text: &str = &text;
                    if in_dbname {
                        site.dbname += text;
                    } else if let Some(name) = namespace.and_then(|key| site.namespaces.get_mut(&key)) {
                        *name += text;
                    }
                }
                Ok(Event::End(_)) => {
                    in_dbname = false;
                    namespace = None;
                }
                Ok(Event::Eof) | Err(_) => return site,
                Ok(_) => {}
            }
        }
    }
}

/// A page as the dump has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpPage {
    /// Number of the page.
    pub id: i64,
    /// Title with its namespace.
    pub title: String,
    /// Number of the namespace.
    pub namespace: i32,
    /// Target, where the dump marks the page as a redirect; empty where it does not say which.
    pub redirect: Option<String>,
    /// Number of the revision.
    pub revision_id: i64,
    /// Milliseconds since 1970, UTC.
    pub timestamp: i64,
    /// Content model; `wikitext` unless the dump says otherwise.
    pub model: String,
    /// The wikitext; empty for an empty or deleted page.
    pub text: String,
}

/// What is wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// An element is not there.
    #[error("page has no <{0}>")]
    Missing(&'static str),
    /// An element does not hold what it should.
    #[error("<{element}> holds {found:?}, expected {expected}")]
    Value {
        /// Name of the element.
        element: &'static str,
        /// What it holds.
        found: String,
        /// What it should.
        expected: &'static str,
    },
    /// Not XML.
    #[error("not well-formed XML: {0}")]
    Xml(String),
    /// Larger than what is read.
    #[error("page has {0} bytes of XML, expected at most {MAX_PAGE}")]
    TooLarge(u64),
    /// A dump of all revisions.
    #[error("page has several revisions: this is a history dump; expected a dump of current pages, as in pages-articles")]
    History,
}

impl Malformed {
    /// The kind of fault, as counters name it.
    pub fn reason(&self) -> String {
        match self {
            Self::Missing(element) => format!("malformed: no {element}"),
            Self::Value { element, .. } => format!("malformed: bad {element}"),
            Self::Xml(_) => "malformed: bad xml".to_owned(),
            Self::TooLarge(_) => format!("larger than {} MiB", MAX_PAGE >> 20),
            Self::History => "malformed: several revisions".to_owned(),
        }
    }
}

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
    revisions: usize,
}

impl DumpPage {
    /// Parses `<page>…</page>`.
    ///
    /// Exports before schema 0.6 have no `<ns>`; `site` then tells the namespace from the title.
    ///
    /// # Errors
    /// The first thing that is missing or wrong.
    pub fn parse(chunk: &PageChunk, site: &SiteInfo) -> Result<Self, Malformed> {
        if chunk.bytes > MAX_PAGE as u64 {
            return Err(Malformed::TooLarge(chunk.bytes));
        }
        let xml = simdutf8::compat::from_utf8(&chunk.xml).map_err(|error| Malformed::Xml(error.to_string()))?;
        let fields = read_fields(xml)?;
        let title = fields.title.filter(|title| !title.is_empty()).ok_or(Malformed::Missing("title"))?;
        let namespace = match fields.ns {
            Some(ns) => number("ns", &ns)?,
            None if has_ns(&site.version) => return Err(Malformed::Missing("ns")),
            None => namespace_of(&title, site),
        };
        let id = number("id", &fields.id.ok_or(Malformed::Missing("id"))?)?;
        match fields.revisions {
            0 => return Err(Malformed::Missing("revision")),
            1 => {}
            _ => return Err(Malformed::History),
        }
        let text = fields.text.ok_or(Malformed::Missing("text"))?;
        let revision_id = fields.revision_id.map_or(Ok(0), |id| number("revision id", &id))?;
        let timestamp = fields.timestamp.ok_or(Malformed::Missing("timestamp"))?;
        let millis = parse_timestamp(&timestamp).ok_or(Malformed::Value {
            element: "timestamp",
            found: timestamp,
            expected: "a time such as 2018-05-17T16:33:09Z",
        })?;
        let model = fields.model.unwrap_or_else(|| "wikitext".to_owned());
        Ok(Self { id, title, namespace, redirect: fields.redirect, revision_id, timestamp: millis, model, text })
    }
}

fn read_fields(xml: &str) -> Result<Fields, Malformed> {
    let mut reader = Reader::from_str(xml);
    let mut fields = Fields::default();
    let mut path: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| Malformed::Xml(error.to_string()))?;
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
                // What is escaped holds no `<`, so the next one ends the element; the library would look at each entity on the way.
                let rest = usize::try_from(reader.buffer_position()).ok().and_then(|at| xml.get(at..)).unwrap_or_default();
                let plain = memchr(b'<', rest.as_bytes()).filter(|&end| rest[end..].starts_with("</"));
                let raw = match plain {
                    Some(end) => {
                        reader.stream().consume(end);
                        reader.read_event().map(|_| Cow::Borrowed(&rest[..end]))
                    }
                    None => reader.read_text(tag.name()).map(|text| Cow::Owned(String::from(&*text))),
                };
                let raw = raw.map_err(|error| Malformed::Xml(error.to_string()))?;
                *slot = Some(unescape(&raw).map_err(|error| Malformed::Xml(error.to_string()))?.into_owned());
            }
            Event::Empty(tag) => {
                let name = tag.local_name();
                if name.as_ref() == "redirect" && path.len() == 1 {
                    let title = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == "title");
                    let title = title.map(|title| title.value.into_owned()).unwrap_or_default();
                    fields.redirect = Some(unescape(&title).map_err(|error| Malformed::Xml(error.to_string()))?.into_owned());
                } else if let Some(slot) = fields.slot(&path, name.as_ref()) {
                    *slot = Some(String::new());
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

impl Fields {
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

fn number<T: std::str::FromStr>(element: &'static str, text: &str) -> Result<T, Malformed> {
    text.trim().parse().map_err(|_| Malformed::Value { element, found: text.to_owned(), expected: "a number" })
}

/// `<ns>` came with schema 0.6.
fn has_ns(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (0, 6)
}

fn namespace_of(title: &str, site: &SiteInfo) -> i32 {
    let Some((prefix, _)) = title.split_once(':') else { return 0 };
    site.namespaces.iter().find(|(_, name)| !name.is_empty() && name.eq_ignore_ascii_case(prefix)).map_or(0, |(key, _)| *key)
}

/// `2018-05-17T16:33:09Z` to milliseconds since 1970.
fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.trim().strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let sound = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60 && year.abs() < 100_000;
    // Days from civil, by Howard Hinnant: years begin in March, so that the leap day is the last.
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + day_of_era - 719_468;
    sound.then_some((days * 86_400 + hour * 3600 + minute * 60 + second) * 1000)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<page><title>A &amp; B</title><ns>0</ns><id>5</id><redirect title="C &quot;D&quot;" />
        <revision><id>6</id><timestamp>1970-01-02T00:00:01Z</timestamp><contributor><username>x</username><id>99</id></contributor>
        <model>wikitext</model><text bytes="9" xml:space="preserve">a &lt;b&gt; &amp;amp; &#x4e2d;</text></revision></page>"#;

    fn parse(xml: &str, site: &SiteInfo) -> Result<DumpPage, Malformed> {
        let bytes = xml.len() as u64;
        DumpPage::parse(&PageChunk { xml: xml.as_bytes().to_vec(), offset: 0, bytes }, site)
    }

    #[test]
    fn fields_are_read() {
        let page = parse(PAGE, &SiteInfo::default()).unwrap();
        let expected = DumpPage {
            id: 5,
            title: "A & B".to_owned(),
            namespace: 0,
            redirect: Some("C \"D\"".to_owned()),
            revision_id: 6,
            timestamp: 86_401_000,
            model: "wikitext".to_owned(),
            text: "a <b> &amp; 中".to_owned(),
        };
        assert_eq!(page, expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let new = SiteInfo { version: "0.10".to_owned(), ..SiteInfo::default() };
        for (from, to, expected) in [
            ("<title>A &amp; B</title>", "", "page has no <title>"),
            ("<ns>0</ns>", "", "page has no <ns>"),
            ("<id>5</id>", "<id>five</id>", "<id> holds \"five\", expected a number"),
            ("<text", "<texts", "not well-formed XML"),
            ("&lt;", "&bogus;", "not well-formed XML"),
            ("1970-01-02", "1970-13-02", "<timestamp> holds"),
            ("</revision>", "</revision><revision></revision>", "history dump"),
        ] {
            assert!(PAGE.contains(from));
            let error = parse(&PAGE.replace(from, to), &new).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let large = PageChunk { xml: PAGE.as_bytes()[..40].to_vec(), offset: 0, bytes: 9_000_000 };
        let error = DumpPage::parse(&large, &new).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.reason().as_str()),
            ("page has 9000000 bytes of XML, expected at most 4194304", "larger than 4 MiB")
        );
    }

    #[test]
    fn old_exports_tell_the_namespace_by_title() {
        let mut site = SiteInfo { version: "0.5".to_owned(), ..SiteInfo::default() };
        site.namespaces.insert(4, "Wikipedia".to_owned());
        let xml = PAGE.replace("<ns>0</ns>", "").replace("A &amp; B", "Wikipedia:About");
        assert_eq!(parse(&xml, &site).unwrap().namespace, 4);
    }

    #[test]
    fn an_empty_page_is_a_page() {
        let start = PAGE.find("<text").unwrap();
        let end = PAGE.find("</text>").unwrap() + "</text>".len();
        let xml = PAGE.replace(&PAGE[start..end], r#"<text bytes="0" deleted="deleted" />"#);
        assert_eq!(parse(&xml, &SiteInfo::default()).unwrap().text, "");
    }

    #[test]
    fn siteinfo_is_read() {
        let site = SiteInfo::parse(
            r#"<mediawiki version="0.10" xml:lang="zh"><siteinfo><dbname>zhwiki</dbname><namespaces>
            <namespace key="0" case="first-letter" /><namespace key="6" case="first-letter">File</namespace></namespaces></siteinfo>"#,
        );
        assert_eq!((site.lang.as_str(), site.dbname.as_str(), site.namespaces[&6].as_str()), ("zh", "zhwiki", "File"));
        assert_eq!(site.namespaces[&0], "");
    }

    #[test]
    fn timestamps() {
        assert_eq!(parse_timestamp("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_timestamp("2018-05-17T16:33:09Z"), Some(1_526_574_789_000));
        assert_eq!(parse_timestamp("2000-02-29T12:00:00Z"), Some(951_825_600_000));
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
