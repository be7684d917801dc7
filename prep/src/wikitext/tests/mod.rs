//! Cases by rule: wikitext, clean text, anchors as `text→target`.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use schemas::Row;
use schemas::char_slice;

use super::*;
use crate::source::SiteInfo;

fn options(lang: &str) -> Options {
    let variant = if lang == "zh" { Variant::ZhHans } else { Variant::None };
    Options { variant, captions: false, tables: false }
}

fn extractor(lang: &str) -> Extractor {
    Extractor::new(Wiki::new(&SiteInfo::default(), lang), options(lang))
}

fn check(lang: &str, cases: &[(&str, &str, &str)]) {
    check_with(&extractor(lang), cases);
}

fn check_with(extractor: &Extractor, cases: &[(&str, &str, &str)]) {
    for (wikitext, text, anchors) in cases {
        let extract = extractor.extract("Page", wikitext);
        assert_eq!(extract.text, *text, "text of {wikitext:?}");
        let found: Vec<String> = extract
            .anchors
            .iter()
            .map(|anchor| {
                assert_eq!(char_slice(&extract.text, anchor.start, anchor.end), Some(&*anchor.text));
                let fragment = anchor.fragment.as_ref().map(|fragment| format!("#{fragment}")).unwrap_or_default();
                format!("{}→{}{fragment}", anchor.text, anchor.target)
            })
            .collect();
        assert_eq!(found.join("; "), *anchors, "anchors of {wikitext:?}");
    }
}

#[test]
fn links() {
    check(
        "en",
        &[
            ("a [[cat]] b", "a cat b", "cat→Cat"),
            ("[[cat]]s and [[Dog|dog]]gy", "cats and doggy", "cats→Cat; doggy→Dog"),
            ("[[Paris|the city]]", "the city", "the city→Paris"),
            ("[[Arden (city)|]], [[Arden, Ohio|]]", "Arden, Arden", "Arden→Arden (city); Arden→Arden, Ohio"),
            (
                "[[Help:X (Y) Z|]], [[Me, Too (1937 song)|]], [[Aa (place), Bb|]], [[Cc（d）|]], [[Ee、Ff|]], [[(g)|]]",
                "X (Y) Z, Me, Too, Aa, Cc, Ee, (g)",
                "X (Y) Z→Help:X (Y) Z; Me, Too→Me, Too (1937 song); Aa→Aa (place), Bb; Cc→Cc（d）; Ee→Ee、Ff; (g)→(g)",
            ),
            ("[[Lista d''e paise]] [[a|''b'']]", "Lista d''e paise b", "Lista d''e paise→Lista d''e paise; b→A"),
            ("[[#History|below]] [[Rome#Early years]]", "below Rome#Early years", "below→#History; Rome#Early years→Rome#Early years"),
            ("[[New_York_City|NYC]] [[Caf%C3%A9|c]] [[AT&amp;T|t]]", "NYC c t", "NYC→New York City; c→Café; t→AT&T"),
            ("[[a|''b'' '''c''']]", "b c", "b c→A"),
            (
                "[[a%5Bb]] [[x&#124;y]] [[..]] [[./a]] [[a/../b]] [[~~~]] [[Help:]] [[_]] [[&amp;amp;]] [[Talk:File:x]] [[%2541]]",
                "[[a%5Bb]] [[x|y]] [[..]] [[./a]] [[a/../b]] [[~~~]] [[Help:]] [[_]] [[&amp;]] [[Talk:File:x]] [[%2541]]",
                "",
            ),
            (
                "[[.NET]] [[a...]] [[Vitamin C 100%]] [[R&D]] [[a/.b]] [[wikt:]] [[Talk:X]] [[S.O.S.]]",
                ".NET a... Vitamin C 100% R&D a/.b wikt: Talk:X S.O.S.",
                ".NET→.NET; a...→A...; Vitamin C 100%→Vitamin C 100%; R&D→R&D; a/.b→A/.b; wikt:→wikt:; Talk:X→Talk:X; S.O.S.→S.O.S.",
            ),
            ("[[\u{200e}Foo\u{200e}|x]] [[:Category:Foo\u{200e}|y]]", "x y", "x→Foo; y→Category:Foo"),
            ("[[a|b\nc]] d", "b c d", "b c→A"),
            ("[[New\nYork]] [[a\n\nb]]", "New York [[a\nb]]", "New York→New York"),
            ("[[a| b ]]c", "b c", "b c→A"),
            ("[[2001: A Space Odyssey]]", "2001: A Space Odyssey", "2001: A Space Odyssey→2001: A Space Odyssey"),
            ("[[:Category:Cats]] [[:fr:Chat|chat]]", "Category:Cats chat", "Category:Cats→Category:Cats; chat→fr:Chat"),
            ("x [[Category:Cats|key]][[de:Katze]]", "x", ""),
            ("[[a<nowiki>b</nowiki>]] [[a|<nowiki>b]]</nowiki>]]", "[[ab]] b]]", "b]]→A"),
            ("[[a[b]] [[]] [[a{b]] [[|x]]", "[[a[b]] [[]] [[a{b]] [[|x]]", ""),
            ("[[a|b [[c]] d]]", "[[a|b c d]]", "c→C"),
            ("[[cat]]<nowiki/>s", "cats", "cat→Cat"),
            ("[http://x.org the text] and [http://x.org] and http://y.org", "the text and and http://y.org", ""),
            ("[[a|[http://x y]]] z", "y z", "y→A"),
            ("[ http://x y] [not a link]", "[ http://x y] [not a link]", ""),
        ],
    );
    check("zh", &[("[[北京]]市很大", "北京市很大", "北京→北京"), ("[[北京]]abc", "北京abc", "北京→北京")]);
    check("ca", &[("'''[[pa]]''' [[aigua]]'l", "pa aigua'l", "pa→Pa; aigua'l→Aigua")]);
    check("de", &[("[[Straße]]nbau", "Straßenbau", "Straßenbau→Straße")]);
}

#[test]
fn numbers() {
    for (lang, shown) in [("en", "1,234,567.5 1,234"), ("de", "1.234.567,5 1.234"), ("fr", "1 234 567,5 1 234"), ("es", "1 234 567,5 1234")]
    {
        check(lang, &[("{{formatnum:1234567.5}} {{formatnum:1234}}", shown, "")]);
    }
}

#[test]
fn media() {
    check(
        "en",
        &[
            ("[[File:a.jpg|thumb|a [[cat]] and [[dog|d]]]]The [[bird]].", "The bird.", "bird→Bird"),
            ("a [[Image:x.png|200px]] b", "a b", ""),
            ("[[:File:a.jpg]]", "File:a.jpg", "File:a.jpg→File:A.jpg"),
            ("[[File:a.jpg|thumb|[http://x y]]] b", "b", ""),
            ("[[File:a.jpg|thumb|never closed\nnext line", "next line", ""),
            ("<gallery>\nFile:a.jpg|[[cat]]\n</gallery>after", "after", ""),
        ],
    );
    check("zh", &[("[[檔案:a.jpg|thumb|一[[貓]]]][[文件:b.jpg]][[图像:c.png]]正文", "正文", "")]);
}

#[test]
fn templates_and_opaque_spans() {
    check(
        "en",
        &[
            ("{{Infobox\n| a = {{b|[[c]]|{{d}}}}\n| e = [[f]]\n}}\nText.", "Text.", ""),
            ("word{{tpl}}word {{x}} y", "word word y", ""),
            ("Rome{{Citation needed|date=May}}.", "Rome.", ""),
            ("{{lang|fr|''mot''}} {{lang-fr|mot}} {{nowrap|a b}} {{convert|12|km|mi}}", "mot mot a b 12 km", ""),
            ("{{abbr|USA|United States}} {{formatnum:12345}} {{nihongo|Tokyo|東京|Tōkyō}}", "USA 12,345 Tokyo (東京, Tōkyō)", ""),
            ("{{ill|Ada Lofting|de}} {{nihongo|x|}}", "Ada Lofting x", "Ada Lofting→Ada Lofting"),
            (
                "{{ill|de|Ada}} {{ill|Ada|de|lt=A}} {{USS|Ohio|BB-12}}",
                "Ada A USS Ohio (BB-12)",
                "Ada→Ada; A→Ada; USS Ohio (BB-12)→USS Ohio (BB-12)",
            ),
            ("{{convert|5|to|10|km}} {{convert|5|-|10|km}} {{convert|6|ft|2|in}} {{frac|1|1|2}}", "5 to 10 km 5–10 km 6 ft 2 in 1 1/2", ""),
            (
                "{{transl|ja|hepburn|Tōkyō}} {{nihongo|a||b|c}} {{nihongo3|a|b|c}} {{circa}} {{c.|1900}}",
                "Tōkyō a (b, c) c (b, a) c. c. 1900",
                "",
            ),
            ("{{start date|1990|5|2}} {{As of|2010|5}} {{as of|2010|lc=y}}", "May 2, 1990 As of May 2010 as of 2010", ""),
            ("'''J''' ({{IPA|x}}; born 1950; {{age}}) in Rome {{cn}}, died {{cn}}.", "J (born 1950) in Rome, died.", ""),
            ("* {{cite}}.\n* {{cite}}, a.\n* .", ", a.\n.", ""),
            ("a, {{x}}; b {{x}}, {{y}}: c", "a; b: c", ""),
            ("a, {{x}}, b ( {{x}} c) (;d) :e", "a, b (c) (;d) :e", ""),
            ("{{{param|default}}} {{{none}}} {{#if: a | b }} c", "default c", ""),
            ("{{nowrap|{{lang|fr|[[a|b]]}}}}", "b", "b→A"),
            ("X ({{IPAc-en|x}}) y ({{a}}; {{b}}) z (c) main()", "X y z (c) main()", ""),
            ("a<!-- c -->b\n<!-- line -->\nc", "ab c", ""),
            ("a<!-- never closed", "a", ""),
            ("a<ref name=\"x>y\">b [[c]]</ref> d<ref name=z /> e<REF>f</ref>", "a d e", ""),
            ("<nowiki>[[a]] ''b'' {{c}} &lt;</nowiki>", "[[a]] ''b'' {{c}} <", ""),
            ("<math>\\frac{{a}}{b}</math>x <source lang=c>[[a]]</source>", "x", ""),
            ("<pre>\n[[a]]\n  b\n</pre>", "[[a]]\nb", ""),
            ("{{unclosed|[[a]]", "{{unclosed|a", "a→A"),
            ("}} stray", "}} stray", ""),
            ("{{x|[[a}} b]]", "b]]", ""),
            ("{{{{x}}}}", "{}", ""),
            ("__NOTOC__a __notoc__ __UNKNOWN__", "a __UNKNOWN__", ""),
            ("{{ucfirst:ab}} {{lcfirst:AB}} {{ucfirst:}}", "Ab aB", ""),
            ("{{PAGENAME}} {{!}} {{DEFAULTSORT:x}}", "Page |", ""),
        ],
    );
}

#[test]
fn blocks_and_html() {
    check(
        "en",
        &[
            ("one\ntwo\n\nthree", "one two\nthree", ""),
            ("== Head == <!-- c -->\ntext", "Head\ntext", ""),
            ("=== [[a]] ===", "a", "a→A"),
            ("* a\n** [[b]]\n# c\n: d\n;term : def", "a\nb\nc\nd\nterm\ndef", "b→B"),
            (": *a\n-->{{x}}\nb", "a\nb", ""),
            ("----text\nmore", "text\nmore", ""),
            (" pre [[a]]\n pre2\n *x\n-->\ny", "pre a\npre2\nx\ny", "a→A"),
            ("{{table start}}\n|-\n| a\n|}\nb", "b", ""),
            ("{| class=x\n| [[a]]\n{|\n|b\n|}\n|}\nafter", "after", ""),
            ("a<br />b<br>c", "a\nb\nc", ""),
            ("<div class=\"a > b\">x</div><p>y", "x\ny", ""),
            ("a\n<poem>\nb [[c]]\n:d\n</poem>\ne", "a\nb c\nd\ne", "c→C"),
            ("a <table><tr><td>b</td></tr></table> c", "a\nc", ""),
            ("A\n{|\n|x\n|}B", "A\nB", ""),
            ("I.\n{|\n| x\n\nstill", "I.\nstill", ""),
            ("; ''Ship: Sail'' (1995): a boat", "Ship: Sail (1995)\na boat", ""),
            (";'''a: b''' : c\n; <b>a: [[x9:e]]</b>: c", "a: b\nc\na: x9:e\nc", "x9:e→X9:e"),
            ("*; \"[http://x.org Title: sub]\": text\n; {{lang|fr|a: b}} : c", "\"Title: sub\"\ntext\na: b\nc", ""),
            ("; a<wbr> <i>b: c</i>: d\nx <b>y: z</b>", "a b: c\nd\nx y: z", ""),
            ("The grapheme <a> and <img src=x>.", "The grapheme <a> and <img src=x>.", ""),
            ("a<includeonly>b\n\nc", "a", ""),
            ("He died in\n<ref>F</ref>\n[[Paris]] alone.\n{{x}}\nNext", "He died in Paris alone.\nNext", "Paris→Paris"),
            ("Let\n<math>x</math>\n{{sfn|A}}\nbe.", "Let be.", ""),
            ("[[Spain in 2010|{{flagu|Spain}}]] {{nowrap|[[cat]]}}s", "Spain cats", "Spain→Spain in 2010; cat→Cat"),
            ("{{Script|Copt|Ⲁ}} {{font color|blue|white|W}} {{linktext|서|울}} {{val|9.11|e=-31|u=kg}}", "Ⲁ W 서울 9.11×10-31 kg", ""),
            ("1775{{ndash}}1783 [[2010{{endash}}11 x|y]] a{{shy}}b", "1775–1783 y ab", "y→2010–11 x"),
            (
                "{{HMS|Hood|51|6}} {{USS|Iowa|BB-61|2}} {{nihongo||東京|T}}",
                "HMS Hood Iowa 東京 (T)",
                "HMS Hood→HMS Hood (51); Iowa→USS Iowa (BB-61)",
            ),
            ("&#150; &#x7F; &#9;&#x1F600;", "&#150; &#x7F; 😀", ""),
            ("{{(!}}\n{{!}} a\n{{!)}}\nb", "b", ""),
            ("{{convert|10|x|20|x|5|cm|in}}, {{convert|3|mi|20|chain|km}}", "10 x 20 x 5 cm, 3 mi 20 chain", ""),
            ("{{formatnum:1,234|R}} {{formatnum:1234}}", "1234 1,234", ""),
            ("''a''<sub>''n''</sub> and '''b'''<sup><i>'''2'''</i></sup>", "an and b2", ""),
            ("<ul><li>a<li>b</ul>", "a\nb", ""),
            ("H<sub>2</sub>O <small>x</small> <President> 1 < 2", "H2O x <President> 1 < 2", ""),
            ("&lt;b&gt; &amp;lt; &ndash; &#8212; &#x4e2d; a&nbsp;b &bogus; &zwnj;", "<b> &lt; – — 中 a b &bogus; \u{200c}", ""),
            ("'''B''' ''i'' l''''amour'''", "B i l'amour", ""),
            ("==\n=x\n= =", "== =x", ""),
            (
                "* [[:Category:Cats]]\n* [[:Category:Dogs|dogs]]\n* [[:File:a.jpg]] b\n[[:Category:Cows]]",
                "dogs\nFile:a.jpg b\nCategory:Cows",
                "dogs→Category:Dogs; File:a.jpg→File:A.jpg; Category:Cows→Category:Cows",
            ),
        ],
    );
    let extract = extractor("en").extract("Page", "intro\n== H ==\n* a\n** b\n\ntext");
    let segments: Vec<String> = extract
        .segments
        .iter()
        .map(|segment| {
            format!("{}{}:{}", segment.kind.name(), segment.level, char_slice(&extract.text, segment.start, segment.end).unwrap())
        })
        .collect();
    assert_eq!(segments, ["paragraph0:intro", "heading2:H", "list1:a", "list2:b", "paragraph0:text"]);
}

#[test]
fn chinese() {
    check(
        "zh",
        &[
            ("臺灣的[[電腦]]", "台湾的电脑", "电脑→電腦"),
            ("{{lang|ja|後}}後{{lang|zh-tw|後}}{{lang-ja|[[後]]}}", "後后后後", "後→後"),
            ("-{zh-hans:甲;zh-hant:乙}-丙", "甲丙", ""),
            ("-{zh-cn:软件; zh-tw:軟體; zh-hk:軟件}-", "软件", ""),
            ("-{乾}-隆、乾杯", "乾隆、干杯", ""),
            ("[[電影|-{zh-hans:影片;zh-hant:電影}-]]", "影片", "影片→電影"),
            ("-{H|zh-cn:信息;zh-tw:資訊}-我要資訊", "我要信息", ""),
            ("-{A|zh-cn:网络;zh-tw:網路}-：網路", "网络：网络", ""),
            ("-{T|zh-cn:甲;zh-tw:乙}-丙", "丙", ""),
            ("{{noteTA|1=zh-hans:克林顿;zh-hant:柯林頓}}[[柯林頓|柯林頓]]總統", "克林顿总统", "克林顿→柯林頓"),
            ("-{{lang|en|x}}-", "-x-", ""),
            ("{{le|本地名|Foreign}}、{{tsl|en|Foreign|别名}}", "本地名、别名", "本地名→本地名; 别名→别名"),
            ("名（{{lang-en|}}）在（{{IPA|x}}）", "名在", ""),
            ("名（英語：{{lang|en|Foo}}；{{IPA|x}}）和（{{a}}、1950年）", "名（英语：Foo）和（1950年）", ""),
            ("-{zh-tw:台;zh-hk:港}--{zh:中;zh-hant:繁}-", "台中", ""),
            ("-{zh-hans:[[软件]];zh-hant:[[軟體]]}-[[-{zh-hans:甲;zh-hant:乙}-|丙]]", "软件丙", "软件→软件; 丙→甲"),
            ("前資訊-{H|zh-cn:信息;zh-tw:資訊}-後資訊-{-|zh-cn:信息;zh-tw:資訊}-再資訊", "前资讯后信息再资讯", ""),
            ("-{+|zh-cn:信息;zh-tw:資訊}-資訊-{V|x}-", "信息", ""),
            ("-{D|zh-cn:甲; zh-tw:乙}-", "大陆：甲；臺灣：乙；", ""),
            ("-{D|乙=>zh-cn:甲;zh-hant:丙}--{D|丁}--{A;D|zh-cn:戊}-", "繁體：丙；乙⇒大陆：甲；丁", ""),
            ("-{H;D|zh-cn:信息;zh-tw:資訊}-資訊", "大陆：信息；臺灣：資訊；信息", ""),
            ("-{N|zh-tw}--{N| zh-hans }--{N|fr}-", "臺灣简体", ""),
            ("-{R|zh-cn:資}--{S|資}--{zh-hant|資}-", "zh-cn:資資資", ""),
            ("-{zh-tw;zh-hk|資訊}--{zh-hk;zh-cn|資訊}-", "資訊资讯", ""),
            ("-{A|資訊}-和資訊，-{-|資訊}-資訊", "資訊和資訊，资讯", ""),
            ("-{foo|資訊}--{h|zh-cn:信息;zh-tw:資訊}--{[[a|資]]}-", "資訊信息資", "資→A"),
            ("-{zh-cn:A=>B;zh-tw:C}-", "A=>B", ""),
            ("-{資-{zh-hans:乙;zh-hant:丙}-資}-資", "資乙資资", ""),
            ("{|\n| -{H|zh-cn:信息;zh-tw:資訊}-\n|}\n資訊", "信息", ""),
            ("{{noteTA|T=zh-cn:x;zh-tw:y|G1=IT|1=zh-cn:信息;zh-tw:資訊|2=柯林頓=>zh-cn:克林顿}}\n資訊和柯林頓", "信息和克林顿", ""),
            ("{{link-ja|甲|x}}{{ilh|乙|X|lang-code=en}}{{tsl|en|X|丙|丁}}{{le|[[戊]]|X}}", "甲乙丁戊", "甲→甲; 乙→乙; 丁→丙; 戊→戊"),
            ("__無目錄__正文", "正文", ""),
        ],
    );
    check("sr", &[("-{sr-ec:а; sr-el:b}- -{Ne}-", "а Ne", "")]);
    let traditional = Options { variant: Variant::ZhHant, ..options("zh") };
    check_with(
        &Extractor::new(Wiki::new(&SiteInfo::default(), "zh"), traditional),
        &[("软件的[[头发]]-{zh-hans:甲;zh-hant:乙}--{zh-cn:丙;zh-hk:丁}-", "軟件的頭髮乙丁", "頭髮→头发")],
    );
    let none = Options { variant: Variant::None, ..options("zh") };
    check_with(
        &Extractor::new(Wiki::new(&SiteInfo::default(), "zh"), none),
        &[("软件頭髮-{zh-hant:乙;zh-hans:甲}--{H|zh-cn:信息;zh-tw:資訊}-資訊", "软件頭髮甲資訊", "")],
    );
}

#[test]
fn japanese() {
    check(
        "ja",
        &[
            ("[[東京]]都と[[京都|京]]abc", "東京都と京abc", "東京→東京; 京abc→京都"),
            ("[[ファイル:a.jpg|サムネイル|甲[[乙]]]][[画像:b.jpg]][[カテゴリ:x]]丙", "丙", ""),
            ("{{仮リンク|甲|en|A}}と{{仮リンク|甲|en|A|label=乙}}", "甲と乙", "甲→甲; 乙→甲"),
            ("{{読み仮名|甲|こう}}{{要出典範囲|乙|date=x}}{{要出典}}。", "甲乙。", ""),
            ("甲（{{lang-en-short|A}}、{{IPA|x}}）は後に", "甲（A）は後に", ""),
            ("__目次非表示__甲-{乙}-", "甲-{乙}-", ""),
            ("＿＿目次非表示＿＿甲＿＿乙", "甲＿＿乙", ""),
            ("甲&thinsp;乙&hellip;&#x3042;&amp;amp;", "甲 乙…あ&amp;", ""),
        ],
    );
}

#[test]
fn captions_and_tables() {
    let all = Extractor::new(Wiki::new(&SiteInfo::default(), "en"), Options { captions: true, tables: true, ..options("en") });
    check_with(
        &all,
        &[
            (
                "a [[File:x.jpg|thumb|left|A ''[[cat]]'' and [[File:y.png|in]] [[dog|d]]]] [[b]]\nc\n\nd",
                "a b c\nin\nA cat and d\nd",
                "b→B; cat→Cat; d→Dog",
            ),
            ("[[File:x.jpg|200px|alt=no]] [[File:y.jpg|thumb|upright=1.2|]] e", "e", ""),
            ("[[File:x.jpg|thumb|by [[a]] in [[b|c[d]]]] e", "e\nby a in c[d]", "a→A; c[d]→B"),
            ("f\n<gallery>\nFile:a.jpg|A [[cat]]\nFile:b.jpg\nFile:c.jpg|{{nowrap|C c}}\n</gallery>\ng", "f\nA cat\nC c\ng", "cat→Cat"),
            ("h\n{|\n|+ [[t]]\n! x\n|-\n| style=q | [[y|z]] || 1\n|}\ni", "h\nt\nx\nz\n1\ni", "t→T; z→Y"),
            ("j <table><tr><td>[[k]]</td><td>l</td></tr></table> m", "j\nk\nl\nm", "k→K"),
            ("I.\n{|\n! H\n|-\n| a<br>b || c\n| d\n|}\nE.", "I.\nH\na\nb\nc\nd\nE.", ""),
            ("P [[File:a.jpg|thumb|c1<br>c2]] goes.", "P goes.\nc1\nc2", ""),
        ],
    );
    let extract = all.extract("x", "a [[File:x.jpg|thumb|cap]]\n{|\n| cell\n|}");
    let kinds: Vec<&str> = extract.segments.iter().map(|segment| segment.kind.name()).collect();
    assert_eq!(kinds, ["paragraph", "caption", "table"]);
}

#[test]
fn redirects_and_flags() {
    let extractor = extractor("zh");
    assert!(extractor.extract("x", "'''x'''可以指：\n{{disambig}}").disambiguation);
    assert!(extractor.extract("x", "__DISAMBIG__").disambiguation);
    assert_eq!(extractor.extract("x", "{{a").issues, ["unclosed template"]);
}

#[test]
fn titles() {
    for (title, expected) in
        [("cat", "Cat"), ("éa", "Éa"), ("a__b c", "A b c"), ("北京", "北京"), ("ßx", "ßx"), ("თბილისი", "თბილისი"), ("", "")]
    {
        assert_eq!(normalise_title(title), expected);
    }
}

/// Two megabytes of anything end at once: nothing is quadratic.
#[test]
fn hostile_pages() {
    let extractor = extractor("zh");
    let all = Extractor::new(Wiki::new(&SiteInfo::default(), "zh"), Options { captions: true, tables: true, ..options("zh") });
    for unit in [
        "[[File:a|[[File:b|c]]",
        "|}\n",
        "{|\n|a||b\n",
        "<gallery>File:a|b\n",
        "<poem>\n",
        "-{H|zh-cn:a;zh-tw:b}-b",
        "[[",
        "{{",
        "]]",
        "}}",
        "{|\n",
        "<!--",
        "<ref>",
        "[[File:",
        "[[a|",
        "{{a|",
        "-{",
        "''",
        "'''",
        "[http://x ",
        "<b ",
        "{{{",
        "<nowiki>",
        "{{nowrap|",
        "[[a]]",
        "{{a}}",
        "(",
        "&",
        "=",
        "\n=",
        "<table>",
        "-{zh-hans:",
        "__",
        "<br>",
        "<!-- -->\n",
        "<b a=\"",
        "[[&",
        "[[%4",
        "＿＿",
        "; <b>a:",
        "; [//x a:[[",
        "<i>:",
    ] {
        let page = unit.repeat(2_000_000 / unit.len());
        // Generous, for the machine may be busy: what is quadratic takes hours.
        for extractor in [&extractor, &all] {
            let start = Instant::now();
            extractor.extract("x", &page);
            println!("{unit:?} {:?}", start.elapsed());
            assert!(start.elapsed() < Duration::from_secs(10), "{unit:?} took {:?}", start.elapsed());
        }
    }
    let nested = format!("{}{}", "{{nowrap|x ".repeat(50_000), "}}".repeat(50_000));
    extractor.extract("x", &nested);
    let prefix = ";".repeat(500_000);
    for unit in ["{{nowrap|a:b}}", "<b>a:</b>", "[http://x a:b]"] {
        extractor.extract("x", &format!("{prefix}{}", unit.repeat(1_000_000 / unit.len())));
    }
    extractor.extract("x", &format!("; {{{{nowrap|:{}}}}}", "[[".repeat(500_000)));
}

proptest! {
    #[test]
    fn offsets_hold_for_any_text(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "[[", "]]", "|", "{{", "}}", "{{{", "}}}", "-{", "}-", "zh-hans:", ";", "''", "'''", "\n", "=", "==", "*", ":", " ", "<ref>",
                "</ref>", "<br>", "<nowiki>", "</nowiki>", "{|", "|}", "<!--", "-->", "[http://x ", "]", "&lt;", "File:", "Category:", "en:",
                "word", "字", "後", "🎉", "(", ")", "（", "）", "nowrap", "lang", "'", "#", "<", ">", "__NOTOC__", "\u{FDD2}", "H|", "A|",
                ". ", "。", "”",
            ]),
            0..40,
        ),
    ) {
        let extract = extractor("zh").extract("x", &pieces.concat());
        let mut last = 0;
        for anchor in &extract.anchors {
            prop_assert!(anchor.start >= last && anchor.start < anchor.end);
            prop_assert_eq!(char_slice(&extract.text, anchor.start, anchor.end), Some(&*anchor.text));
            last = anchor.end;
        }
        let mut last = 0;
        for segment in &extract.segments {
            prop_assert!(segment.start >= last && segment.start < segment.end);
            prop_assert!(char_slice(&extract.text, segment.start, segment.end).is_some());
            last = segment.end;
        }
        let sentences = crate::sentence::of_page("zh", &extract.text, &extract.segments);
        let Extract { text, anchors, segments, .. } = extract.clone();
        let page = schemas::Page { text: text.into(), anchors, segments, sentences, ..schemas::Page::default() };
        prop_assert_eq!(page.check(), Ok(()));
        prop_assert!(!extract.text.chars().any(|c| marks::is_mark(c) || marks::unprotect(c).is_some()));
    }
}

#[test]
fn titles_without_what_tells_them_apart() {
    for (title, expected) in [
        ("Paris (Texas)", "Paris"),
        ("北京（消歧义）", "北京"),
        ("Paris", "Paris"),
        ("(What's the Story) Morning Glory?", "(What's the Story) Morning Glory?"),
        ("(1) Ceres (planet)", "(1) Ceres"),
        ("(…)", "(…)"),
    ] {
        assert_eq!(title_surface(title), expected);
    }
}
