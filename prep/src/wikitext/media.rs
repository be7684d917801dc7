//! Parameters of `[[File:…]]`: which of them is the caption.

use std::collections::HashSet;
use std::ops::Range;

use super::language_data::LanguageData;
use super::markers::is_marker;

/// Parameters that are not captions, or what precedes their `=`, in English. They hold in every language.
const OPTIONS: [&str; 37] = [
    "thumb",
    "thumbnail",
    "frame",
    "framed",
    "enframed",
    "frameless",
    "border",
    "right",
    "left",
    "center",
    "centre",
    "none",
    "upright",
    "baseline",
    "sub",
    "super",
    "top",
    "text-top",
    "middle",
    "bottom",
    "text-bottom",
    "alt",
    "link",
    "page",
    "lang",
    "class",
    "thumbtime",
    "start",
    "end",
    "muted",
    "loop",
    "noicon",
    "disablecontrols",
    "manualthumb",
    "noplayer",
    "nogallery",
    "px",
];

/// The options of `[[File:…]]` in a wiki.
#[derive(Debug, Clone, Default)]
pub(super) struct MediaOptions(HashSet<String>);

impl MediaOptions {
    pub fn new(language: &LanguageData) -> Self {
        Self(OPTIONS.iter().map(|option| (*option).to_owned()).chain(language.media_options.iter().cloned()).collect())
    }

    /// Whether a parameter is an option or a size such as `200x100px`, and so not a caption.
    fn contains(&self, parameter: &str) -> bool {
        let parameter = parameter.to_lowercase();
        let key = parameter.split_once('=').map_or(parameter.as_str(), |(key, _)| key.trim_end());
        let size = parameter.strip_suffix("px").or_else(|| parameter.strip_suffix("像素")).map(str::trim_end);
        self.0.contains(key) || size.is_some_and(|size| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit() || byte == b'x'))
    }

    /// Where the caption lies in `File:a.jpg|thumb|caption`: it is the last parameter that is not an option. `None` if it is empty.
    pub fn find_caption(&self, parameters: &str) -> Option<Range<usize>> {
        let mut pipes = Vec::new();
        let mut depth = 0u32;
        let bytes = parameters.as_bytes();
        let mut at = 0;
        while let Some(found) = memchr::memchr3(b'|', b'[', b']', &bytes[at..]) {
            at += found;
            let double = bytes.get(at + 1) == Some(&bytes[at]);
            match bytes[at] {
                b'|' if depth == 0 => pipes.push(at),
                b'[' if double => depth += 1,
                b']' if double => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += if double && bytes[at] != b'|' { 2 } else { 1 };
        }
        let mut end = parameters.len();
        for pipe in pipes.into_iter().rev() {
            if !self.contains(parameters[pipe + 1..end].trim()) {
                let is_shown = |c: char| !c.is_whitespace() && !is_marker(c);
                return Some(pipe + 1..end).filter(|range| parameters[range.clone()].chars().any(is_shown));
            }
            end = pipe;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_found() {
        let options = MediaOptions::new(LanguageData::of("zh"));
        for (parameters, expected) in [
            ("File:a.jpg|thumb|a caption|left", Some("a caption")),
            ("File:a.jpg|200px|100x200 px|右", None),
            ("File:a.jpg|alt=text|", None),
            ("File:a.jpg|a [[b|c]] d", Some("a [[b|c]] d")),
            ("File:a.jpg|first|second", Some("second")),
            ("File:a.jpg", None),
        ] {
            let caption = options.find_caption(parameters).map(|range| &parameters[range]);
            assert_eq!(caption, expected, "{parameters}");
        }
    }
}
