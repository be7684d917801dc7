//! Particles that Korean writes after a noun without a space: `서울은`, `서울에서는`.

/// Particles after a noun that ends in a consonant.
const AFTER_CONSONANT: [&str; 17] = [
    "은",
    "이",
    "을",
    "과",
    "으로",
    "으로서",
    "으로써",
    "으로부터",
    "이나",
    "이라",
    "이란",
    "이며",
    "이고",
    "이다",
    "이자",
    "이라는",
    "이라고",
];
/// Particles after a noun that ends in a vowel.
const AFTER_VOWEL: [&str; 11] = ["는", "가", "를", "와", "나", "란", "며", "고", "자", "라는", "라고"];
/// Particles after a vowel or `ㄹ`.
const AFTER_VOWEL_OR_L: [&str; 4] = ["로", "로서", "로써", "로부터"];
/// Particles after any noun.
const AFTER_ANY: [&str; 19] = [
    "의",
    "에",
    "에서",
    "에게",
    "에게서",
    "께",
    "께서",
    "도",
    "만",
    "까지",
    "부터",
    "조차",
    "마저",
    "처럼",
    "보다",
    "뿐",
    "밖에",
    "하고",
    "한테",
];
/// Most particles in a row that are looked for.
const MOST_PARTICLES: usize = 3;

/// The first of the syllables of Hangul, which are ordered by their last consonant first.
const FIRST_SYLLABLE: u32 = 0xac00;
/// Last consonants, with none.
const LAST_CONSONANTS: u32 = 28;
/// The number of `ㄹ` among the last consonants.
const LAST_L: u32 = 8;

/// Lengths in bytes of what may be a noun at the start of a word, with nothing but particles after it; the longest first.
pub(super) fn nouns_of(word: &str) -> Vec<usize> {
    let mut ends = vec![word.len()];
    let mut nouns = Vec::new();
    for _ in 0..MOST_PARTICLES {
        let mut shorter: Vec<usize> = ends.iter().flat_map(|&end| nouns_before_particle(&word[..end])).collect();
        shorter.sort_unstable();
        shorter.dedup();
        nouns.extend(&shorter);
        ends = shorter;
    }
    nouns.sort_unstable_by_key(|&end| std::cmp::Reverse(end));
    nouns.dedup();
    nouns
}

/// Particles, and whether they may follow a noun by the number of its last consonant.
type ParticleKind = (&'static [&'static str], fn(u32) -> bool);

/// Lengths in bytes of what stands before a particle at the end of a word.
fn nouns_before_particle(word: &str) -> impl Iterator<Item = usize> {
    let kinds: [ParticleKind; 4] = [
        (&AFTER_CONSONANT, |last| last != 0),
        (&AFTER_VOWEL, |last| last == 0),
        (&AFTER_VOWEL_OR_L, |last| last == 0 || last == LAST_L),
        (&AFTER_ANY, |_| true),
    ];
    kinds.into_iter().flat_map(move |(particles, agrees)| {
        particles.iter().filter_map(move |particle| {
            let noun = word.strip_suffix(particle)?;
            // What is not Hangul is read in more than one way.
            let last = noun.chars().next_back()?;
            let last = u32::from(last).checked_sub(FIRST_SYLLABLE).filter(|_| ('가'..='힣').contains(&last)).map(|at| at % LAST_CONSONANTS);
            last.is_none_or(agrees).then_some(noun.len())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_agree_with_the_noun() {
        for (word, expected) in [
            ("서울은", &["서울"][..]),
            ("서울는", &[]),
            ("부산에서는", &["부산에서", "부산"]),
            ("제주도로", &["제주도", "제주"]),
            ("서울로", &["서울"]),
            ("인천으로부터도", &["인천으로부터", "인천으로", "인천"]),
            ("LG는", &["LG"]),
            ("은", &[]),
            ("하늘", &[]),
            ("Seoul", &[]),
        ] {
            let nouns: Vec<&str> = nouns_of(word).into_iter().map(|end| &word[..end]).collect();
            let wrong = expected.iter().find(|noun| !nouns.contains(noun));
            assert_eq!((wrong, expected.is_empty()), (None, nouns.is_empty()), "{word}: {nouns:?}");
        }
    }
}
