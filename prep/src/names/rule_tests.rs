//! What the built-in rules say of pages and titles, and how rules of different kinds are weighed.

use std::collections::HashSet;

use schemas::Page;

use super::language_rules::{KnownLists, LanguageRules, Verdict};
use super::type_rules::{BUILT_IN, TypeRules};
use crate::wikitext::ChineseVariant::{self, Simplified, Traditional, Unconverted};

/// The label of a verdict, `-` for none by a rule, `several`, or `unknown`.
fn shown(rules: &TypeRules, verdict: Verdict) -> String {
    match verdict {
        Verdict::Label(label) => rules.labels[usize::from(label)].clone(),
        Verdict::NoLabel => "-".to_owned(),
        Verdict::Conflict => "several".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn titles_of_the_built_in_languages() {
    let rules = TypeRules::built_in(BUILT_IN).unwrap();
    let check = |lang: &str, title: &str, expected: &str| {
        let of_lang = LanguageRules::new(&rules, lang, &KnownLists::new(), Unconverted);
        assert_eq!(shown(&rules, of_lang.verdict_of_title(title)), expected, "{lang}: {title}");
    };
    check("en", "University of Arden", "ORG");
    check("en", "Arden University Press", "ORG");
    check("en", "Lake Arden", "LOC");
    check("en", "Arden, Ohio", "LOC");
    check("en", "William Arden", "PER");
    check("en", "Arden (footballer)", "PER");
    check("en", "Arden (film)", "MISC");
    check("en", "Arden (thing of another kind)", "unknown");
    check("en", "List of rivers of Arden", "-");
    check("en", "Arden War", "MISC");
    check("en", "Arden (surname)", "-");
    check("zh", "海南战役", "MISC");
    check("ja", "高橋 (小説)", "MISC");
    check("en", "free university", "unknown");
    check("en", "J. Q. Arden", "PER");
    check("en", "Anselm of Arden", "PER");
    check("en", "Zhou Arden", "PER");
    check("en", "Orla Ardenopoulos", "PER");
    check("en", "Orla McArden", "PER");
    check("en", "Orla Arden", "unknown");
    check("en", "Orla, Duke of Arden", "PER");
    check("en", "Orla Arden, 1st Viscount Arden", "PER");
    check("en", "Arden College, Oxford", "ORG");
    check("en", "Arden Electronics", "ORG");
    check("en", "Chicago Kings", "ORG");
    check("en", "The Chicago Kings", "unknown");
    check("en", "Arden, Kent", "LOC");
    check("en", "Ardenburgh", "LOC");
    check("en", "Vaudeville", "unknown");
    check("en", "Arden Empire", "LOC");
    check("simple", "Lake Arden", "LOC");
    check("sv", "Lake Arden", "unknown");
    check("zh", "亚当·斯密", "PER");
    check("zh", "北京大学", "ORG");
    check("zh", "公立大学", "-");
    check("zh", "海南省", "LOC");
    check("ja", "ジョン・ロック", "PER");
    check("ja", "高橋太郎", "PER");
    check("ja", "高橋町", "LOC");
    check("ja", "高橋大学", "ORG");
    check("ja", "白鷺 (香川県)", "LOC");
    check("ja", "白鷺大学 (香川県)", "unknown");
    check("de", "Universität Arden", "ORG");
    check("de", "Heinrich Arden", "PER");
    check("fr", "Lac d'Arden", "LOC");
    check("fr", "Université d'Arden", "ORG");
    check("es", "Río Arden", "LOC");
    check("ru", "Арден, Иван Петрович", "PER");
}

#[test]
fn pages_of_the_built_in_languages() {
    let rules = TypeRules::built_in(BUILT_IN).unwrap();
    let check = |lang: &str, templates: &[&str], categories: &[&str], expected: &str| {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let page = Page { templates: own(templates), categories: own(categories), ..Page::default() };
        let of_lang = LanguageRules::new(&rules, lang, &KnownLists::new(), ChineseVariant::default_of(lang));
        assert_eq!(shown(&rules, of_lang.verdict_of_page(&page)), expected, "{lang}: {templates:?} {categories:?}");
    };
    check("en", &["Infobox film"], &["1950 births"], "MISC");
    check("en", &["Taxobox"], &["Fauna of Arden"], "-");
    check("en", &["Infobox football biography"], &[], "PER");
    check("en", &["Infobox town"], &[], "LOC");
    check("en", &[], &["Year of birth missing", "Ardenian poets"], "PER");
    check("es", &["Ficha de localidad"], &[], "LOC");
    check("ru", &["НП"], &[], "LOC");
    // A template for singers and bands says nothing; the categories do.
    check("en", &["Infobox musical artist"], &["1950 births", "Living people", "English singers"], "PER");
    check("en", &["Infobox musical artist"], &["English rock music groups"], "ORG");
    check("zh", &["Infobox musical artist"], &["1950年出生", "在世人物"], "PER");
    check("zh", &["艺人"], &["臺灣女子演唱團體"], "ORG");

    check("de", &["Personendaten"], &["Schriftsteller", "Mann"], "PER");
    check("de", &[], &["Physiker (20. Jahrhundert)", "Geboren 1901", "Gestorben 1970", "Frau"], "PER");
    check("de", &["Infobox Gemeinde in Deutschland", "Navigationsleiste Gemeinden"], &["Gemeinde in Bayern"], "LOC");
    check("de", &["Infobox Fluss"], &["Fluss in Europa", "Flusssystem Rhein"], "LOC");
    check("de", &["Infobox Stausee"], &[], "LOC");
    check("de", &[], &["Ort an der Elbe", "Stadtteil von Hamburg"], "LOC");
    check("de", &[], &["Bundesstaat der Vereinigten Staaten"], "LOC");
    check("de", &["Infobox Unternehmen"], &["Automobilhersteller (Deutschland)"], "ORG");
    check("de", &["Infobox Eishockeymannschaft"], &[], "ORG");
    check("de", &[], &["Verlag in Berlin", "Gegründet 1848"], "ORG");
    check("de", &["Infobox Film"], &["Filmtitel 1950", "Deutscher Film"], "MISC");
    check("de", &["Infobox Schiff"], &[], "MISC");
    check("de", &["Infobox Gemälde"], &["Gemälde (19. Jahrhundert)"], "MISC");

    check("fr", &["Infobox Biographie2"], &["Naissance en mars 1901", "Décès à Lyon"], "PER");
    check("fr", &["Infobox Musique (artiste)"], &["Chanteuse française", "Naissance à Lille"], "PER");
    check("fr", &["Infobox Musique (artiste)"], &["Groupe britannique de rock"], "ORG");
    check("fr", &["Infobox Rugbyman"], &[], "PER");
    check("fr", &["Infobox Commune de France", "Élus"], &["Commune dans l'Eure"], "LOC");
    check("fr", &["Infobox Barrage"], &[], "LOC");
    check("fr", &[], &["Hameau ou lieu-dit dans le Gard"], "LOC");
    check("fr", &["Infobox Société"], &["Entreprise fondée en 1901"], "ORG");
    check("fr", &["Infobox Équipe nationale de football"], &[], "ORG");
    check("fr", &["Infobox Groupe ethnique"], &[], "MISC");
    check("fr", &["Infobox Film"], &["Film américain"], "MISC");

    check("es", &["Ficha de persona"], &["Nacidos en 1901", "Hombres"], "PER");
    check("es", &["Ficha de artista musical"], &["Cantantes de Chile", "Nacidos en 1950"], "PER");
    check("es", &["Ficha de artista musical"], &["Grupos de rock de Argentina"], "ORG");
    check("es", &["Ficha de entidad subnacional"], &["Municipios de Puebla"], "LOC");
    check("es", &["Ficha de embalse"], &[], "LOC");
    check("es", &[], &["Localidades de la provincia de Soria"], "LOC");
    check("es", &["Ficha de selección de fútbol"], &[], "ORG");
    check("es", &["Ficha de organización"], &["Empresas fundadas en 1901"], "ORG");
    check("es", &["Ficha de serie de televisión"], &[], "MISC");
    check("es", &["Ficha de batalla"], &[], "MISC");

    check("ru", &["Учёный"], &["Родившиеся 5 марта", "Умершие в 1970 году"], "PER");
    check("ru", &["Хоккейный тренер"], &["Родившиеся в 1950 году"], "PER");
    check("ru", &["НП-Россия"], &["Города Вологодской области"], "LOC");
    check("ru", &["Река"], &["Реки Вологодской области", "Притоки Сухоны"], "LOC");
    check("ru", &["Станция метрополитена"], &[], "LOC");
    check("ru", &[], &["Населённые пункты, основанные в 1801 году"], "LOC");
    check("ru", &["Компания"], &["Компании, основанные в 1901 году"], "ORG");
    check("ru", &["Музыкальный коллектив"], &["Рок-группы России"], "ORG");
    check("ru", &["Вооружённые силы"], &[], "ORG");
    check("ru", &["Литературное произведение"], &["Романы 1901 года"], "MISC");
    check("ru", &["Народ"], &[], "MISC");
}

#[test]
fn infoboxes_come_before_categories_and_these_before_descriptions() {
    let text = "labels = ['A', 'B']
        [[rule]]\nlabel = 'A'\ninfoboxes = ['box a', 'box * a']\ncategories = ['cat a*']\ndescriptions = ['* a']
        [[rule]]\nlabel = 'B'\ninfoboxes = ['box b']\ncategories = ['cat b', 'cat a special']\ndescriptions = ['* b']
        [[rule]]\ncategories = ['list*']";
    let rules = TypeRules::parse(text).unwrap();
    let of_lang = LanguageRules::new(&rules, "en", &KnownLists::new(), Unconverted);
    let check = |templates: &[&str], categories: &[&str], description: Option<&str>, expected: &str| {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let page =
            Page { templates: own(templates), categories: own(categories), description: description.map(Into::into), ..Page::default() };
        assert_eq!(shown(&rules, of_lang.verdict_of_page(&page)), expected, "{templates:?} {categories:?} {description:?}");
    };
    check(&["Other", "Box A"], &["Cat b"], Some("a b"), "A");
    check(&["Box old A"], &[], None, "A");
    check(&["Box a", "Box b"], &["Cat b"], None, "several");
    check(&[], &["Other", "Cat b"], Some("an a"), "B");
    check(&[], &["Cat about"], None, "A");
    check(&[], &["Cat a special"], None, "B");
    check(&[], &["Cat about", "Cat b"], None, "several");
    check(&[], &["Lists"], Some("an a"), "-");
    check(&[], &["Other"], Some("An A"), "A");
    check(&["Other"], &[], None, "unknown");
}

#[test]
fn rules_of_a_file_come_before_those_that_it_extends() {
    let text = "extends = 'per-loc-org-misc'\nlabels = ['SHIP']
        [[rule]]\nlabel = 'SHIP'\ninfoboxes = ['infobox ship*']\ncategories = ['* films']\nbrackets = ['ship']\ntitles = ['* War']";
    let rules = TypeRules::parse(text).unwrap();
    let of_lang = LanguageRules::new(&rules, "en", &KnownLists::new(), Unconverted);
    let page = |template: &str, category: &str| Page {
        templates: vec![template.to_owned()],
        categories: vec![category.to_owned()],
        ..Page::default()
    };
    // The built-in set has these patterns for MISC.
    assert_eq!(shown(&rules, of_lang.verdict_of_page(&page("Infobox ship begin", ""))), "SHIP");
    assert_eq!(shown(&rules, of_lang.verdict_of_page(&page("", "Ardenish films"))), "SHIP");
    assert_eq!(shown(&rules, of_lang.verdict_of_title("Arden (ship)")), "SHIP");
    assert_eq!(shown(&rules, of_lang.verdict_of_title("Arden War")), "SHIP");
    assert_eq!(shown(&rules, of_lang.verdict_of_page(&page("Infobox film", ""))), "MISC");
}

#[test]
fn lists_and_common_words() {
    let text = "labels = ['P']
        [[list]]\nname = 'given'\nskip_common_words = true\nwords = ['Ada', 'Rose', 'Monday']\nwithout = ['Grand']\nwithout_lists = ['places']
        [[list]]\nname = 'places'
        [[rule]]\nlabel = 'P'\ntitles = ['{given} {proper}']
        [[no_name]]\ntexts = ['Monday', 'Danish', '*ish']";
    let rules = TypeRules::parse(text).unwrap();
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let known = KnownLists::from([("given".to_owned(), list(&["bo", "Grand", "Oslo"])), ("places".to_owned(), list(&["Oslo", "Ada"]))]);
    let mut of_lang = LanguageRules::new(&rules, "en", &known, Unconverted);
    assert!(of_lang.asks_for_common_words());
    of_lang.set_common_words(HashSet::from(["rose".to_owned(), "garden".to_owned()]));
    for (title, expected) in [
        ("Ada Fenn", "P"),
        ("Bo Fenn", "P"),
        ("Rose Fenn", "unknown"),
        ("Grand Fenn", "unknown"),
        ("Oslo Fenn", "unknown"),
        ("Monday Fenn", "unknown"),
        ("Ada Garden", "unknown"),
        ("Ada Danish", "unknown"),
        ("Ada fenn", "unknown"),
    ] {
        assert_eq!(shown(&rules, of_lang.verdict_of_title(title)), expected, "{title}");
    }
}

#[test]
fn texts_of_links_that_are_no_names() {
    let rules = TypeRules::built_in(BUILT_IN).unwrap();
    let of_lang = LanguageRules::new(&rules, "en", &KnownLists::new(), Unconverted);
    let check = |text: &str, title: &str, label: &str, expected: bool| {
        assert_eq!(of_lang.is_no_name(text, title, rules.label(label).unwrap()), expected, "{text} of {title}");
    };
    check("Ardenish", "Arden", "LOC", true);
    check("South Ardenian", "South Arden", "LOC", true);
    check("Ardenish", "Ardenish", "LOC", false);
    check("Ardenish", "Arden University", "ORG", false);
    check("Iran", "Islamic Republic of Iran", "LOC", false);
    check("his wife", "Ada Fenn", "PER", true);
    check("von Fenn", "Ada von Fenn", "PER", false);
    check("eArden", "EArden", "ORG", false);
    check("confederation", "Arden confederation", "LOC", true);
    check("Monday", "Monday Press", "ORG", true);
    check("Danish wife", "Ada Fenn", "PER", true);
    check("Fenn sr.", "Fenn Sr.", "PER", false);
    check("Coast d'Arden", "Arden Coast", "LOC", false);
    check("Fennian", "Ada Fenn", "PER", true);
    check("Fennian", "Ada Fennian", "PER", false);
    check("Ardenids", "Arden Empire", "LOC", true);
}

#[test]
fn names_within_titles() {
    let rules = TypeRules::built_in(BUILT_IN).unwrap();
    let en = LanguageRules::new(&rules, "en", &KnownLists::new(), Unconverted);
    let zh = LanguageRules::new(&rules, "zh", &KnownLists::new(), Simplified);
    let label = |name: &str| rules.label(name).unwrap();
    assert_eq!(en.name_in("Arden (town)", label("LOC")), "Arden");
    assert_eq!(en.name_in("Arden, Ohio", label("LOC")), "Arden");
    assert_eq!(en.name_in("Arden, Ohio", label("ORG")), "Arden, Ohio");
    assert_eq!(zh.name_in("臺灣大學 (學校)", label("ORG")), "台湾大学");
    assert_eq!(shown(&rules, zh.verdict_of_title("臺灣大學")), "ORG");
    // Names are in the script of the text, and rules apply to both.
    for (script, name) in [(Traditional, "臺灣大學"), (Unconverted, "臺灣大学")] {
        let zh = LanguageRules::new(&rules, "zh", &KnownLists::new(), script);
        assert_eq!(zh.name_in("臺灣大学 (學校)", label("ORG")), name);
        assert_eq!(shown(&rules, zh.verdict_of_title("臺灣大學")), "ORG");
        assert!(zh.is_no_name("英國國籍", "英國", label("LOC")));
    }
}
