//! Extension tags, such as `<ref>`, whose content is not wikitext or not part of the text.

/// Tags that are removed with their content.
const DROPPED: &[&str] = &[
    "ref",
    "references",
    "math",
    "chem",
    "ce",
    "gallery",
    "timeline",
    "score",
    "source",
    "syntaxhighlight",
    "hiero",
    "imagemap",
    "templatedata",
    "templatestyles",
    "graph",
    "mapframe",
    "maplink",
    "inputbox",
    "section",
    "categorytree",
    "indicator",
    "dynamicpagelist",
    "includeonly",
    "rss",
    "quiz",
    "charinsert",
    "phonos",
    "languages",
    "rt",
    "rp",
    "tabber",
    "tabbertransclude",
    "pages",
    "pagelist",
    "pagequality",
    "youtube",
    "embedvideo",
    "poll",
    "vote",
    "choose",
    "randomimage",
    "newsletter",
    "ratedsearch",
    "seo",
];

/// Those of the removed tags that are inline: a line that holds nothing else does not end the paragraph.
const INLINE: &[&str] = &["ref", "math", "chem", "ce", "score", "hiero", "rp", "rt"];

/// Further tags that the preprocessor handles.
const OTHER: &[&str] = &["nowiki", "pre", "noinclude", "onlyinclude"];

/// The tag name in lower case, if the preprocessor handles the tag.
pub(super) fn find_extension_tag(name: &str) -> Option<&'static str> {
    DROPPED.iter().chain(OTHER).copied().find(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a removed tag is inline.
pub(super) fn is_inline_extension(name: &str) -> bool {
    INLINE.contains(&name)
}
