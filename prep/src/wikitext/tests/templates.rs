//! Templates, parser functions and extension tags.

use super::support::check;

#[test]
fn numbers_are_formatted_by_language() {
    for (lang, shown) in [("en", "1,234,567.5 1,234"), ("de", "1.234.567,5 1.234"), ("fr", "1 234 567,5 1 234"), ("es", "1 234 567,5 1234")]
    {
        check(lang, &[("{{formatnum:1234567.5}} {{formatnum:1234}}", shown, "")]);
    }
}

#[test]
fn templates_and_extension_tags() {
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
fn deep_brackets_are_removed() {
    for (lang, open, close) in [("en", "{{nowrap|", "}}"), ("zh", "-{", "}-")] {
        let nested = |depth: usize| format!("a {}b{} c", open.repeat(depth), close.repeat(depth));
        check(lang, &[(&nested(100), "a b c", ""), (&nested(102), "a c", "")]);
    }
}
