//! Redirect pages, by their wikitext.

use std::borrow::Cow;

use super::language_data::LanguageData;
use super::title::decode_target;

/// The target of a redirect page (`#REDIRECT [[target]]`, or the word of the language), without its fragment. `None` for other pages.
///
/// It serves dumps that do not mark redirects, or mark them without a target.
pub fn redirect_target<'t>(lang: &str, text: &'t str) -> Option<Cow<'t, str>> {
    let text = text.trim_start().strip_prefix(['#', '＃'])?.trim_start();
    let (word, rest) = text.split_at(text.find(['[', ':', ' ', '\n'])?);
    let word = word.to_lowercase();
    if word != "redirect" && !LanguageData::of(lang).redirect_words.contains(&word) {
        return None;
    }
    let link = rest.trim_start().trim_start_matches(':').trim_start().strip_prefix("[[")?;
    let target = &link[..link.find("]]")?];
    let target = target.split_once('|').map_or(target, |(target, _)| target);
    let title = target.split_once('#').map_or(target, |(title, _)| title).trim().trim_start_matches(':');
    Some(decode_target(title)).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_targets_are_found() {
        for (lang, text, target) in [
            ("en", "#REDIRECT [[New York]]", Some("New York")),
            ("en", "\n#redirect: [[A#b|c]]\n[[Category:x]]", Some("A")),
            ("zh", "#重定向[[北京]]", Some("北京")),
            ("de", "#WEITERLEITUNG [[Ä]]", Some("Ä")),
            ("en", "#WEITERLEITUNG [[Ä]]", None),
            ("en", "# redirected [[a]]", None),
            ("en", "#REDIRECT a", None),
            ("en", "#REDIRECT [[#a]]", None),
        ] {
            assert_eq!(redirect_target(lang, text).as_deref(), target, "{text}");
        }
    }
}
