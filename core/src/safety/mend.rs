//! Words as they are typed with cold hands, half asleep, by ear or in a second language: "nife", "thraot",
//! "tabets", "shakin".
//!
//! Only what is no English word is mended, and only into a word that tells of danger or stands beside it, as
//! a wrong guess must not make everyday words out of names.

use std::sync::LazyLock;

use super::learned::is_english;

/// Words that are looked for in what is no word, each of them its own nearest.
const TELLING: &str = "\
    alive ambulance amitriptyline antidepressants antifreeze anymore armed artery assaulted attacked \
    attacking balcony bathroom birthday blade blades bleach bleeding blood blurry bottle bought boyfriend \
    breathe breathing bridge bruises burden burning children choking citalopram cliff codeine collapsed \
    cupboard cutting daughter dead death diazepam dizzy drowned drowning drowsy dying edge everyone \
    everything fentanyl fingers floor followed fridge frightened funeral garage girlfriend goodbye goodbyes \
    hands hanged hanging harmed harming heart hoarding holiday hopeless hospital hurting husband ibuprofen \
    insulin jumped jumping ketamine kicked kill killed killing kitchen knife knives ledge letters life living \
    machete medication midazolam mirtazapine morphine motorway myself neck neighbour nobody noose nothing \
    numb outside overdose overdosed overdoses overdosing packet paracetamol partner pills planned planning \
    platform pointless poison poisoned propofol propranolol punched punching railway raped razor residents \
    river scalpel scared scissors scratching screaming seizure seizures sertraline shaking slashed slashing \
    slippery spinning stabbed stabbing stalking stash stashed stashing strangle strangled strangling suicidal \
    suicide swallow swallowed swallowing tablet tablets threatened threatening throat thursday tomorrow \
    tonight towel train tramadol trapped unconscious veins vodka vomiting waking weapon wednesday whisky \
    window without worthless wrist wrists written yesterday yourself zopiclone";

/// Not among the English words that are known, and no slips either.
const LEFT_ALONE: &[&str] = &["bluey", "brid", "cheesy", "chesty", "dinny", "handsy", "kipling", "trowel"];

/// What may be left out at the end of an English word, and what its stem may lack then.
const ENDINGS: &[(&str, &str)] =
    &[("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("s", ""), ("es", ""), ("er", ""), ("y", "")];

/// As long as this once it is folded a word may be one slip off, and two if it is as long as the second.
const ONE_SLIP: usize = 4;
const TWO_SLIPS: usize = 9;

/// As long as this a word must be for a guess.
const SHORTEST: usize = 4;

/// Each of [`TELLING`] as it sounds.
static SOUNDS: LazyLock<Vec<(String, &str)>> =
    LazyLock::new(|| TELLING.split(' ').map(|word| (by_ear(word), word)).collect());

/// What `word` was meant to be, if it is no English word and near enough to one that tells.
pub(super) fn mend(word: &str) -> Option<String> {
    if word.len() < SHORTEST || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    if LEFT_ALONE.contains(&word) || is_english(word) || is_inflected(word) {
        return None;
    }
    let whole = word.ends_with("in").then(|| format!("{word}g")).filter(|whole| is_english(whole));
    whole.or_else(|| nearest(word).map(str::to_owned))
}

/// Whether `word` is a known word with an ending: "stubbing", "plated".
pub(crate) fn is_inflected(word: &str) -> bool {
    ENDINGS.iter().any(|(ending, lacks)| {
        let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() >= 3) else { return false };
        let (single, last) = stem.split_at(stem.len() - 1);
        let doubled = single.len() >= 3 && single.ends_with(last);
        is_english(&format!("{stem}{lacks}")) || doubled && is_english(single)
    })
}

fn nearest(word: &str) -> Option<&'static str> {
    let heard = by_ear(word);
    let slips_of = |(sound, telling): &'static (String, &'static str)| {
        let most = match sound.len().min(heard.len()) {
            length if length >= TWO_SLIPS => 2,
            length if length >= ONE_SLIP => 1,
            _ => 0,
        };
        if sound.as_bytes()[0] != *heard.as_bytes().first()? || sound.len().abs_diff(heard.len()) > most {
            return None;
        }
        let slips = strsim::osa_distance(sound, &heard);
        (slips <= most).then_some((slips, telling.len().abs_diff(word.len()), *telling))
    };
    SOUNDS
        .iter()
        .filter_map(slips_of)
        .min_by_key(|(slips, longer, _)| (*slips, *longer))
        .map(|(.., word)| word)
}

/// `word` with one letter for each sound that is written in several ways, and none that is not heard.
pub(crate) fn by_ear(word: &str) -> String {
    let word = match word.as_bytes() {
        [b'k', b'n', ..] | [b'w', b'r', ..] => &word[1..],
        _ => word,
    };
    let word = word.replace("ph", "f").replace("th", "f").replace("ck", "k").replace("gh", "g");
    let mut out = String::with_capacity(word.len());
    for letter in word.chars() {
        let letter = match letter {
            'c' => 'k',
            'z' => 's',
            'y' => 'i',
            letter => letter,
        };
        if !out.ends_with(letter) {
            out.push(letter);
        }
    }
    if out.len() >= ONE_SLIP && out.ends_with('e') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_badly_is_read_as_it_was_meant() {
        for (typed, meant) in [
            ("thraot", "throat"),
            ("nife", "knife"),
            ("tabets", "tablets"),
            ("slashd", "slashed"),
            ("fentnil", "fentanyl"),
            ("bafroom", "bathroom"),
            ("shakin", "shaking"),
            ("strangel", "strangle"),
        ] {
            assert_eq!(mend(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn english_words_and_words_near_none_stay_as_they_are() {
        for word in [
            "bleed", "bridges", "staffing", "rota", "datix", "stonking", "dinny", "kipling", "tables",
            "jabbed",
        ] {
            assert_eq!(mend(word), None, "{word}");
        }
    }
}
