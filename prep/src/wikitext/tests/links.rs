//! Internal and external links, media, captions and table cells.

use super::support::{check, check_with, extractor_with, options};
use crate::wikitext::extract_options::ExtractOptions;

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
fn captions_and_table_cells_can_be_kept() {
    let all = extractor_with("en", ExtractOptions { captions: true, tables: true, ..options("en") });
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
    let page = all.extract("x", "a [[File:x.jpg|thumb|cap]]\n{|\n| cell\n|}");
    let kinds: Vec<&str> = page.segments.iter().map(|segment| segment.kind.name()).collect();
    assert_eq!(kinds, ["paragraph", "caption", "table"]);
}
