//! What differs between the wikis of languages: namespaces, picture options, switches, first letters, link trails and prefixes.

use super::support::{check, check_with, extractor_with, options};
use crate::source::SiteInfo;
use crate::wikitext::extract_options::ExtractOptions;
use crate::wikitext::extractor::WikitextExtractor;
use crate::wikitext::wiki::Wiki;

#[test]
fn media_and_categories_are_removed_whatever_the_header_says() {
    for (lang, wikitext) in [
        ("th", "[[ภาพ:x.jpg|thumb|ข้อความ]]"),
        ("tt", "[[Рәсем:x.jpg|thumb|a]][[Төркем:x]]"),
        ("sw", "[[Picha:x.jpg|thumb|a]][[Jamii:x]]"),
        ("ast", "[[Imaxe:x.jpg|miniatura|a]][[Categoría:x]]"),
        ("jv", "[[Gambar:x.jpg|jempol|a]][[Kategori:x]]"),
        ("mn", "[[Зураг:x.jpg|thumb|a]][[Ангилал:x]]"),
        ("nb", "[[Bilde:x.jpg|miniatyr|a]][[Kategori:x]]"),
        ("gsw", "[[Bild:x.jpg|mini|a]][[Kategorie:x]]"),
        ("simple", "[[Image:x.jpg|thumb|a]][[Category:x]]"),
        ("yue", "[[檔:x.jpg|thumb|a]][[分類:x]]"),
        ("be-x-old", "[[Выява:x.jpg|значак|a]][[Катэгорыя:x]]"),
        ("fa", "[[پرونده:x.jpg|بندانگشتی|a]][[رده:x]]"),
        ("xx", "[[File:x.jpg|thumb|a]][[Category:x]]"),
    ] {
        check(lang, &[(&format!("a {wikitext} b"), "a b", "")]);
    }
}

#[test]
fn switches_show_nothing() {
    for (lang, switch) in [
        ("ko", "__목차숨김__"),
        ("vi", "__KHÔNGMỤCMỤC__"),
        ("ar", "__لافهرس__"),
        ("it", "__NOINDICE__"),
        ("ru", "__БЕЗ_ОГЛ__"),
        ("tr", "__İÇİNDEKİLERYOK__"),
        ("pl", "__BEZSPISU__"),
        ("nb", "__INGENINNHOLDSFORTEGNELSE__"),
        ("fa", "__بی‌فهرست__"),
        ("xx", "__NOTOC__"),
    ] {
        check(lang, &[(&format!("a {switch} b"), "a b", "")]);
    }
}

#[test]
fn picture_options_are_no_captions() {
    for (lang, wikitext, caption) in [
        ("ru", "[[Файл:x.jpg|мини|200пкс|сверхусправа 1.2|Вид]]", "Вид"),
        ("de", "[[Datei:x.jpg|mini|hochkant 1.2|links|Ein [[Bild]]]]", "Ein Bild"),
        ("fr", "[[Fichier:x.jpg|vignette|redresse=1.2|gauche|Vue]]", "Vue"),
        ("uk", "[[Файл:x.jpg|міні|праворуч|200пкс|Вигляд]]", "Вигляд"),
        ("hi", "[[चित्र:x.jpg|अंगूठाकार|दाएँ|200पिक्सेल|शहर]]", "शहर"),
        ("it", "[[File:x.jpg|miniatura|destra|verticale=1.4]]", ""),
        ("en", "[[File:x.jpg|thumb|upright 1.2|200px|page 3]]", ""),
    ] {
        let extractor = extractor_with(lang, ExtractOptions { captions: true, ..options(lang) });
        let page = extractor.extract("x", wikitext);
        assert_eq!(page.text, caption, "{lang} {wikitext}");
    }
}

#[test]
fn first_letters_follow_the_language_and_the_header() {
    check("tr", &[("[[ilçe]], [[ırmak]]", "ilçe, ırmak", "ilçe→İlçe; ırmak→Irmak")]);
    check("az", &[("[[ilham|x]]", "x", "x→İlham")]);
    check("kaa", &[("[[il]]", "il", "il→İl")]);
    check("kk-Latn", &[("[[il]]", "il", "il→İl")]);
    check("kk", &[("[[il]]", "il", "il→Il")]);
    check("hr", &[("[[ǆep]] [[ǅep]]", "ǆep ǅep", "ǆep→Ǆep; ǅep→ǅep")]);
    check("de", &[("[[ßx]] [[äx]]", "ßx äx", "ßx→ßx; äx→Äx")]);
    let wiktionary = SiteInfo {
        dbname: "enwiktionary".to_owned(),
        is_case_sensitive: true,
        case_sensitive: [(0, true), (2, false), (14, true)].into(),
        ..SiteInfo::default()
    };
    let extractor = WikitextExtractor::new(Wiki::new(&wiktionary, "en"), options("en"));
    check_with(
        &extractor,
        &[(
            "[[building]]s [[Building]] [[user:ada|x]] [[:category:en:Arts|y]]",
            "buildings Building x y",
            "buildings→building; Building→Building; x→User:Ada; y→Category:en:Arts",
        )],
    );
}

#[test]
fn letters_beside_a_link_belong_to_it() {
    for (lang, wikitext, text, anchors) in [
        ("hi", "[[भारत]]ीय है", "भारतीय है", "भारतीय→भारत"),
        ("ar", "ال[[قاهرة]] و[[مصر]]", "القاهرة ومصر", "القاهرة→قاهرة; ومصر→مصر"),
        ("ar", "مدينة [[القاهرة]]، [[مصر]]ية", "مدينة القاهرة، مصرية", "القاهرة→القاهرة; مصرية→مصر"),
        ("fr", "[[école]]s, l'[[été]]", "écoles, l'été", "écoles→École; été→Été"),
        ("ru", "[[Москва|Москв]]ы", "Москвы", "Москвы→Москва"),
        ("uk", "«[[Київ]]»", "«Київ»", "«Київ»→Київ"),
        ("pl", "[[Łódź|łódz]]ki", "łódzki", "łódzki→Łódź"),
        ("fa", "[[ایران]]ی", "ایرانی", "ایرانی→ایران"),
        ("he", "ב[[ירושלים]]י", "בירושליםי", "ירושליםי→ירושלים"),
        ("ka", "[[საქართველო]]ს", "საქართველოს", "საქართველოს→საქართველო"),
        ("hy", "[[Երևան]]ում", "Երևանում", "Երևանում→Երևան"),
        ("bn", "[[ঢাকা]]র", "ঢাকার", "ঢাকার→ঢাকা"),
        ("ta", "[[இந்தியா]]வில்", "இந்தியாவில்", "இந்தியாவில்→இந்தியா"),
        ("te", "[[భారత్]]లో", "భారత్లో", "భారత్లో→భారత్"),
        ("ml", "[[കേരളം]]ത്തിൽ", "കേരളംത്തിൽ", "കേരളംത്തിൽ→കേരളം"),
        ("kn", "[[ಬೆಂಗಳೂರು]]ನಲ್ಲಿ", "ಬೆಂಗಳೂರುನಲ್ಲಿ", "ಬೆಂಗಳೂರುನಲ್ಲಿ→ಬೆಂಗಳೂರು"),
        ("mr", "[[मुंबई]]तील", "मुंबईतील", "मुंबईतील→मुंबई"),
        ("uz", "O[[zbek]]iston", "Ozbekiston", "Ozbekiston→Zbek"),
        ("gsw", "[[Zürich|Zürch]]äs", "Zürchäs", "Zürchäs→Zürich"),
        ("th", "ใน[[กรุงเทพ]]มี", "ในกรุงเทพมี", "กรุงเทพ→กรุงเทพ"),
        ("ko", "[[서울]]은", "서울은", "서울→서울"),
        ("yue", "[[北京]]abc", "北京abc", "北京→北京"),
        ("en", "anti[[war]]s é[[a]]é", "antiwars éaé", "wars→War; a→A"),
        ("kaa", "[[Nókis]]ʼte [[a]]''b''", "Nókisʼte ab", "Nókisʼte→Nókis; a→A"),
    ] {
        check(lang, &[(wikitext, text, anchors)]);
    }
}

#[test]
fn the_preferred_variant_is_shown() {
    for (lang, wikitext, shown) in [
        ("sr", "-{sr-el:b; sr-ec:а}-", "а"),
        ("sr", "-{sr-el:b}- -{Ne}-", "b Ne"),
        ("sr", "-{sr-Latn:b; sr-Cyrl:а}-", "а"),
        ("kk", "-{kk-latn:b;kk-cyrl:а;kk-arab:c}-", "а"),
        ("kk", "-{kk-arab:c;kk-tr:b}-", "b"),
        ("ku", "-{ku-arab:a;ku-latn:b}-", "b"),
        ("iu", "-{ike-latn:b;ike-cans:ᐊ}-", "ᐊ"),
        ("ike-Cans", "-{ike-latn:b;ike-cans:ᐊ}-", "ᐊ"),
        ("shi", "-{shi-tfng:ⴰ;shi-latn:a}-", "a"),
        ("zgh", "-{zgh-latn:a;zgh:ⴰ}-", "ⴰ"),
        ("tg", "-{tg-latn:a;tg:б}-", "б"),
        ("uz", "-{uz-cyrl:б;uz-latn:b}-", "b"),
        ("gan", "-{gan-hant:乙;gan-hans:甲}-", "甲"),
        ("wuu", "-{wuu-hant:乙;wuu-hans:甲}-", "甲"),
        ("crh", "-{crh-cyrl:б;crh-latn:b}-", "b"),
        ("sh", "-{sh-cyrl:б;sh-latn:b}-", "b"),
        ("zh-min-nan", "-{nan-hant:乙;nan-latn-tailo:b}-", "b"),
        ("en", "-{a}-", "-{a}-"),
    ] {
        check(lang, &[(wikitext, shown, "")]);
    }
}

#[test]
fn interwiki_links_lead_to_no_article() {
    let wiki = Wiki::new(&SiteInfo::default(), "en");
    for target in [
        "iso639-3:abc", "oeis:A000045", "doi:10.1000/1", "wikt:cat", "commons:Cat", "d:Q1", "s:Poem", "de:Katze", "be-x-old:A", "zh-yue:A",
        "gsw:A", "nb:A", "cmn:A", "lzh:A", "species:A", "voy:Rome", "wikidata:Q1", "bugzilla:1", "hdl:1", "jstor:1", "rfc:1", "toolforge:x",
        "gerrit:1", "nost:X", "WIKT:cat",
    ] {
        assert!(!wiki.is_article(target), "{target}");
    }
    for target in ["2001: A Space Odyssey", "Mission: Impossible", "Re:Zero", "NCIS: Hawaii"] {
        assert!(wiki.is_article(target), "{target}");
    }
}

#[test]
fn disambiguation_pages_are_found_by_language() {
    for (lang, wikitext) in [
        ("fr", "{{Homonymie}}"), ("pl", "{{Ujednoznacznienie}}"), ("nl", "{{Dp}}"), ("sv", "{{Förgrening}}"), ("ru", "{{Неоднозначность}}"),
        ("vi", "{{Trang định hướng}}"), ("uk", "{{Багатозначність}}"), ("fi", "{{Täsmennyssivu}}"), ("cs", "{{Rozcestník}}"),
        ("hu", "{{Egyért}}"), ("tr", "{{Anlam ayrımı}}"), ("he", "{{פירושונים}}"), ("fa", "{{ابهام‌زدایی}}"), ("ko", "{{동음이의}}"),
        ("nb", "{{Peker}}"), ("nb", "__PEKER__"), ("de", "{{Begriffsklärung}}"), ("th", "{{แก้กำกวม}}"), ("el", "{{αποσαφήνιση}}"),
        ("hi", "{{बहुविकल्पी शब्द}}"), ("eo", "{{Apartigilo}}"), ("xx", "{{disambig}}"), ("zh", "__消歧义__"),
    ] {
        let page = extractor_with(lang, options(lang)).extract("x", &format!("a\n{wikitext}"));
        assert!(page.disambiguation, "{lang} {wikitext}");
    }
    assert!(!extractor_with("de", options("de")).extract("x", "{{Homonymie}}").disambiguation);
}

#[test]
fn templates_of_other_wikis_show_names() {
    for (lang, wikitext, text, anchors) in [
        ("fr", "{{Lien|langue=en|trad=Foo|fr=Bar|texte=baz}} {{lien|Qux|lang=en}}", "baz Qux", "baz→Bar; Qux→Qux"),
        ("fr", "{{langue|en|texte=word}}, {{lang|en|mot}}, {{s|XIX|e}}, XX{{e}}", "word, mot, XIXe siècle, XXe", ""),
        ("fr", "{{M.|Dupont}} et {{date|1|janvier|2000}}", "M. Dupont et 1 janvier 2000", ""),
        ("ru", "{{нп3|Имя|имени|en|Name}} {{не переведено|Имя}}", "имени Имя", "имени→Имя; Имя→Имя"),
        ("uk", "{{ill-WD2|Назва|id=Q1}}", "Назва", "Назва→Назва"),
        ("ru", "{{спортсмен|Россия|[[Иван]]}} {{s|а б}}", "Иван а б", "Иван→Иван"),
        ("pl", "{{Link-interwiki|pl=Tytuł|Q=Q1|tekst=tekst}}", "tekst", "tekst→Tytuł"),
        ("ar", "{{وإو|عر=محمد|تر=X|لغ=en}}", "محمد", "محمد→محمد"),
        ("he", "{{קישור שפה|אנגלית|Foo|בר}}", "בר", "בר→בר"),
        ("de", "{{Vorlage:enS|House}}", "House", ""),
        ("es", "el {{siglo|XIX||s}} y {{nowrap|dos palabras}}", "el siglo XIX y dos palabras", ""),
        ("en", "{{sort|Doe|[[John Doe]]}} {{flagIOCathlete|[[Ann]]|USA|2012}}", "John Doe Ann", "John Doe→John Doe; Ann→Ann"),
        ("en", "{{columns-list|colwidth=20em|\n* [[a]]\n* b\n}}", "a\nb", "a→A"),
        ("en", "wrote:{{quote|A note by [[Ina Bell]]}}Then", "wrote:\nA note by Ina Bell\nThen", "Ina Bell→Ina Bell"),
        ("es", "dijo:{{cita|Una nota.}} Luego", "dijo:\nUna nota.\nLuego", ""),
        ("de", "{{Zitat|Text=Ein Satz.|Autor=X}}", "Ein Satz.", ""),
        ("ja", "{{en|House}}と{{fr|maison}}", "Houseとmaison", ""),
        ("zh", "房屋{{en}}。", "房屋。", ""),
        ("en", "{{rtl-lang|ar|كتاب}} {{script/Arabic|كتاب}} {{e|3}}", "كتاب كتاب ×103", ""),
        ("en", "Rome ({{IPA|x}}) is old.{{cn}}", "Rome is old.", ""),
    ] {
        check(lang, &[(wikitext, text, anchors)]);
    }
}

#[test]
fn templates_that_vanish_from_the_text_are_counted_and_located() {
    let text = "{{Infobox x\n| a = b\n}}\nThe {{nave|Foo}} sank{{cn}}. It {{Nave|Bar}} was.\n\n{{navbox}}\n{{nowrap|a {{zz|1}}}} b {{nowrap|{{yy}}}}.\n{|\n| in {{ww}} cell\n|}\n{{cite web|{{vv}}}} c";
    let page = extractor_with("en", options("en")).extract("x", text);
    assert_eq!(page.text, "The sank. It was.\na b.\nc");
    assert_eq!(page.holes, [3, 12, 19, 21]);
    let vanished: Vec<(String, u64, String)> =
        page.vanished.most_frequent().into_iter().map(|template| (template.name, template.count, template.example)).collect();
    let expected = [("nave", 2, "{{nave|Foo}}"), ("yy", 1, "{{yy}}"), ("zz", 1, "{{zz|1}}")];
    assert_eq!(vanished, expected.map(|(name, count, example)| (name.to_owned(), count, example.to_owned())));
}

#[test]
fn pages_say_what_they_are() {
    let text = "{{Short description|Town in\n[[Caldria]]}}\n{{infobox_settlement\n| name = {{nowrap|X}}\n| qid = Q123\n}}\n'''X''' is \
                {{convert|3|km}} off {{Convert|4|km}}.{{ill|Y|de|wd=Q9}} {{#if:a|b}} {{PAGENAME}} {{CURRENTYEAR}}\n[[Category:Towns in Caldria|X]] \
                [[category:towns_in Caldria]] [[:Category:Seen]] [[Category:Ports]] {{Template:Authority control}}";
    let found = extractor_with("en", options("en")).extract("X", text).metadata;
    assert_eq!(found.categories, ["Towns in Caldria", "Ports"]);
    assert_eq!(found.templates, ["Short description", "Infobox settlement", "Convert", "Ill", "Authority control"]);
    assert_eq!((found.description.as_deref(), found.wikidata.as_deref()), (Some("Town in [[Caldria]]"), Some("Q123")));
    let text = "{{Normdaten|TYP=p|Wikidata=Q5}} [[Kategorie:Ort|*]] {{SHORTDESC:Ort}}";
    let found = extractor_with("de", options("de")).extract("X", text).metadata;
    assert_eq!((found.categories, found.templates), (vec!["Ort".to_owned()], vec!["Normdaten".to_owned()]));
    assert_eq!((found.description.as_deref(), found.wikidata.as_deref()), (Some("Ort"), Some("Q5")));
    let found = extractor_with("en", options("en")).extract("X", "{{short description|none}}{{Authority control|qid=Q}}").metadata;
    assert_eq!((found.description, found.wikidata), (None, None));
}
