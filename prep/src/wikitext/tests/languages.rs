//! Chinese variants and conversion rules, and Japanese.

use super::support::{check, check_with, extractor_with, options};
use crate::wikitext::extract_options::ExtractOptions;
use crate::wikitext::script_converter::ChineseVariant;

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
    let traditional = ExtractOptions { variant: ChineseVariant::Traditional, ..options("zh") };
    check_with(
        &extractor_with("zh", traditional),
        &[("软件的[[头发]]-{zh-hans:甲;zh-hant:乙}--{zh-cn:丙;zh-hk:丁}-", "軟件的頭髮乙丁", "頭髮→头发")],
    );
    let unconverted = ExtractOptions { variant: ChineseVariant::Unconverted, ..options("zh") };
    check_with(
        &extractor_with("zh", unconverted),
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
