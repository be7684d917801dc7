//! Redirect pages, by their wikitext.

use super::language_data::LanguageData;
use super::namespaces::Namespaces;
use super::title::decode_target;
use crate::source::SiteInfo;

/// Most chars before the link of a redirect page.
const MAX_WORD_CHARS: usize = 200;

/// The target of a redirect page (`#REDIRECT [[target]]`, or the word of the language), without its fragment, in the form of anchors'
/// targets. `None` for other pages.
///
/// It serves dumps that do not mark redirects, or mark them without a target.
pub fn redirect_target(site: &SiteInfo, lang: &str, text: &str) -> Option<String> {
    let text = text.trim_start().strip_prefix(['#', '＃'])?;
    let head = text.char_indices().nth(MAX_WORD_CHARS).map_or(text, |(end, _)| &text[..end]);
    let (word, _) = head.split_once("[[")?;
    let word = word.trim().trim_end_matches(':').trim_end().to_lowercase().replace('_', " ");
    let language = LanguageData::of(lang);
    if word != "redirect" && !language.words.redirects.contains(&word) {
        return None;
    }
    let link = text.split_once("[[")?.1;
    let target = &link[..link.find("]]")?];
    let target = target.split_once('|').map_or(target, |(target, _)| target);
    let title = target.split_once('#').map_or(target, |(title, _)| title).trim().trim_start_matches(':');
    let title = decode_target(title);
    (!title.is_empty()).then(|| Namespaces::new(site, language).normalize_target(&title))
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
            ("en", "#REDIRECT a [[b]]", None),
            ("vi", "#đổi [[hà Nội]]", Some("Hà Nội")),
            ("tr", "#YÖNLENDİRME [[ilçe]]", Some("İlçe")),
            ("nb", "#OMDIRIGERING [[bilde:x]]", Some("Fil:X")),
            ("sv", "#OMDIRIGERING[[Å]]", Some("Å")),
            ("fa", "#تغییر_مسیر [[تهران]]", Some("تهران")),
            ("fa", "#تغییر مسیر[[تهران]]", Some("تهران")),
            ("ko", "#넘겨주기 [[서울]]", Some("서울")),
            ("he", "#הפניה [[ירושלים]]", Some("ירושלים")),
            ("ja", "＃転送 [[東京]]", Some("東京")),
            ("be-x-old", "#ПЕРАНАКІРАВАНЬНЕ [[Менск]]", Some("Менск")),
        ] {
            assert_eq!(redirect_target(&SiteInfo::default(), lang, text).as_deref(), target, "{text}");
        }
    }
}
