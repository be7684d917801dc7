//! What a dump says about its wiki, in `<siteinfo>`.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

/// The wiki of a dump: language, database name and namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteInfo {
    /// Version of the export schema, such as `0.11`.
    pub version: String,
    /// Language code, from `xml:lang`.
    pub lang: String,
    /// Database name, such as `enwiki`.
    pub dbname: String,
    /// Local names of the namespaces by number; empty if the dump has no `<siteinfo>`. The name of namespace 0 is empty.
    pub namespaces: BTreeMap<i32, String>,
    /// The file has no head: it is one stream of a multistream dump.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_fragment: bool,
    /// Whether titles keep the case of their first letter (`<case>case-sensitive</case>`, as in Wiktionaries).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_case_sensitive: bool,
    /// The same by number of the namespace, where the dump says it.
    #[serde(default)]
    pub case_sensitive: BTreeMap<i32, bool>,
}

/// The value of `<case>` and of the attribute `case` where the first letter stays as written.
const CASE_SENSITIVE: &str = "case-sensitive";

impl SiteInfo {
    /// Parses the head of a dump: everything before the first `<page>`.
    ///
    /// Never fails, since a dump may have no `<siteinfo>`: what is missing or not well-formed stays empty.
    pub fn parse(head: &str) -> Self {
        let mut site = Self::default();
        let mut reader = Reader::from_str(head);
        // `<namespace key="0" />` holds no text, and what follows it is not its name.
        reader.config_mut().expand_empty_elements = true;
        let mut namespace = None;
        let mut in_dbname = false;
        let mut in_case = false;
        loop {
            match reader.read_event() {
                Ok(Event::Start(tag)) => {
                    let attribute = |name: &str| {
                        let found = tag.attributes().with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name)?;
                        Some(found.value.into_owned())
                    };
                    match tag.local_name().as_ref() {
                        "mediawiki" => {
                            site.version = attribute("version").unwrap_or_default();
                            site.lang = attribute("xml:lang").unwrap_or_default();
                        }
                        "dbname" => in_dbname = true,
                        "case" => in_case = true,
                        "namespace" => {
                            namespace = attribute("key").and_then(|key| key.parse().ok());
                            if let Some(key) = namespace {
                                site.namespaces.insert(key, String::new());
                                site.case_sensitive.extend(attribute("case").map(|case| (key, case == CASE_SENSITIVE)));
                            }
                        }
                        _ => {}
                    }
                }
                Ok(Event::Text(text)) => {
                    let text: &str = &text;
                    if in_dbname {
                        site.dbname += text;
                    } else if in_case {
                        site.is_case_sensitive = text.trim() == CASE_SENSITIVE;
                    } else if let Some(name) = namespace.and_then(|key| site.namespaces.get_mut(&key)) {
                        *name += text;
                    }
                }
                Ok(Event::End(_)) => {
                    (in_dbname, in_case) = (false, false);
                    namespace = None;
                }
                Ok(Event::Eof) | Err(_) => return site,
                Ok(_) => {}
            }
        }
    }

    /// Whether this is a Wikipedia, or nothing says that it is another project.
    pub fn is_wikipedia(&self) -> bool {
        self.dbname.is_empty() || self.dbname.ends_with("wiki")
    }

    /// The namespace of a title, by the local names that the dump lists; 0 if the title has no such prefix.
    pub(super) fn namespace_of(&self, title: &str) -> i32 {
        let Some((prefix, _)) = title.split_once(':') else { return 0 };
        self.namespaces.iter().find(|(_, name)| !name.is_empty() && name.eq_ignore_ascii_case(prefix)).map_or(0, |(key, _)| *key)
    }

    /// Whether pages of this export have an `<ns>` element, which came with schema 0.6.
    pub(super) fn has_ns_element(&self) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (0, 6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siteinfo_is_parsed() {
        let site = SiteInfo::parse(
            r#"<mediawiki version="0.10" xml:lang="zh"><siteinfo><dbname>zhwiki</dbname><namespaces>
            <namespace key="0" case="first-letter" />
            <namespace key="6" case="first-letter">File</namespace></namespaces></siteinfo>"#,
        );
        assert_eq!((site.lang.as_str(), site.dbname.as_str(), site.namespaces[&6].as_str()), ("zh", "zhwiki", "File"));
        assert_eq!(site.namespaces[&0], "");
        assert!(site.is_wikipedia() && !site.is_case_sensitive && site.case_sensitive.values().all(|sensitive| !sensitive));
        assert_eq!((site.namespace_of("file:A"), site.namespace_of("A: b"), site.namespace_of("A")), (6, 0, 0));
    }

    #[test]
    fn the_case_of_titles_is_read() {
        let site = SiteInfo::parse(
            r#"<mediawiki version="0.10" xml:lang="en"><siteinfo><dbname>enwiktionary</dbname><case>case-sensitive</case><namespaces>
            <namespace key="0" case="case-sensitive" /><namespace key="2" case="first-letter">User</namespace></namespaces></siteinfo>"#,
        );
        assert!(site.is_case_sensitive && !site.is_wikipedia());
        assert_eq!(site.case_sensitive, [(0, true), (2, false)].into());
    }

    #[test]
    fn schema_0_6_and_later_have_an_ns_element() {
        for (version, expected) in [("0.3", false), ("0.5", false), ("0.6", true), ("0.10", true), ("1.0", true), ("", false)] {
            let site = SiteInfo { version: version.to_owned(), ..SiteInfo::default() };
            assert_eq!(site.has_ns_element(), expected, "{version}");
        }
    }
}
