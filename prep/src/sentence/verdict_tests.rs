//! Sentences of each kind that full stops, marks and quotes make hard, in languages of all sorts.

use schemas::{Segment, SegmentKind};

use super::splitter::split_page;

/// `|` marks where a sentence ends.
fn check(lang: &str, marked: &str) {
    let text = marked.replace('|', "");
    let chars: Vec<char> = text.chars().collect();
    let segment = Segment { start: 0, end: chars.len() as u32, kind: SegmentKind::Paragraph, level: 0 };
    let sentences = split_page(lang, &text, &[segment], &[]);
    let found: Vec<String> = sentences.iter().map(|range| chars[range.start as usize..range.end as usize].iter().collect()).collect();
    assert_eq!(found, marked.split('|').map(str::trim).collect::<Vec<_>>(), "{lang}");
}

#[test]
fn initials_end_no_sentence() {
    check("pl", "Napisał to J. Nowak.| On umarł.");
    check("ru", "А. Б. Иванова пела.| К. С. Петров играл.");
    check("fr", "J.-C. Blanc et Ch. Noir.| Le vin contient de la vitamine C.| Il est bon.");
    check("el", "Ο Κ. Π. Καβάφης ήταν ποιητής.| Έζησε εκεί.");
    check("he", "ח. נ. ביאליק כתב שיר.| הוא נודע.");
    check("ja", "会社はJ. R. Smithが作った。|2004年に倒産。");
    check("vi", "L. Sâm dẫn.| Q. 5 đông.");
    check("en", "J. R. Marsh and U.S. Grant met in the U.S.| In March they left.");
}

#[test]
fn titles_and_abbreviations_end_no_sentence() {
    check("fr", "M. Dupont et Mme. Le Pen.| Vers 52 av. J.-C. César vint.");
    check("vi", "Ông sống ở TP. Hồ Chí Minh.| Ông mất.");
    check("hi", "डॉ. राम आए।| वे गए।");
    check("ar", "جاء د. أحمد.| ثم ذهب.");
    check("th", "เขาเกิดเมื่อ พ.ศ. 2500 ที่นี่| ต่อมา เขาย้าย");
    check("ru", "Он родился в 1902 г. в г. Бари.| Умер в 1950 г.| Мать жила долго.");
    check("cs", "MUDr. Král, plk. Vondra a spol. Kohn přišli.| Byl večer.");
    check("de", "Er hieß z. B. Dr. h. c. Lenz, Bahnhofstr. 12.| Er sprach Deutsch, Dänisch usw.| Die Frau nicht.");
    check("sr", "Dr. Ana ode.| Ona peva.");
}

#[test]
fn ordinals_end_no_sentence() {
    check("de", "Im 19. Jahrhundert stieg er in die 2. Bundesliga auf.| Das war 1902.| Er blieb.");
    check("tr", "Kardeşi 3. sınıfta, takım 2. Lig'de.| 1. Dünya Savaşı bitti.");
    check("hu", "IV. Béla jött.| A 19. században élt.");
    check("cs", "Dne 1. 1. 1999 přišel.| Bylo 5 hodin.");
    check("pl", "Jan III. Sobieski żył w XVII w. w Polsce.| Umarł w 1696 r.| Był królem.");
}

#[test]
fn marks_inside_of_sentences_end_none() {
    check("en", "Jeopardy! is a show.| Was it? Nobody knows ... but me.".replace("Was it? ", "Was it?| ").as_str());
    check("en", "Parks et al. [2004] saw it.| It rained. [12]| It stopped.");
    check("ru", "«Кто там?» — спросил он.| «Войдите!»| Дверь открылась.");
    check("pl", "„Kto tam?” – zapytał.| Nikt.");
    check("ja", "彼は「誰だ。」と言った。|『行け！』という本。");
    check("zh", "根本问题是“什么能够被计算？”|计算理论研究它。|著名的“P=NP?”问题是其一。");
    check("zh", "《谁？》一书出版。|他说：“好。”|然后走了。|“真的吗？”他问。");
    check("ko", "\"누구냐?\"라고 물었다.| 답은 없었다.");
    check("ka", "ის მოვიდა. შემდეგ წავიდა.".replace(". შ", ".| შ").as_str());
}
