//! Long texts in pieces that Telegram takes.

/// Longest text of one message, in UTF-16 units.
pub(crate) const MAX_TEXT: usize = 4096;

/// Cuts a text into parts of at most `limit` UTF-16 units: at the end of a paragraph, a line or a
/// word where there is one in the second half of a part. Nothing but white space at a cut is lost.
pub(crate) fn split(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(end) = end_within(rest, limit) {
        let window = &rest[..end];
        let cut = ["\n\n", "\n", " "]
            .into_iter()
            .filter_map(|gap| window.rfind(gap))
            .find(|cut| *cut > end / 2)
            .unwrap_or(end);
        let part = rest[..cut].trim_end();
        if !part.is_empty() {
            parts.push(part);
        }
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// How long a text is by Telegram's count.
pub(crate) fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Where a part that starts `text` must end, in bytes; `None` if all of it fits.
fn end_within(text: &str, limit: usize) -> Option<usize> {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units > limit {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fit_and_lose_nothing() {
        let word = "wellbeing ".repeat(1000);
        let flood = "a".repeat(9000);
        let emoji = "👩‍⚕️".repeat(3000);
        let lines = "a line of text\n\n".repeat(800);
        for text in [word.as_str(), &flood, &emoji, &lines] {
            let parts = split(text, MAX_TEXT);
            assert!(parts.len() > 1);
            for part in &parts {
                assert!((1..=MAX_TEXT).contains(&part.encode_utf16().count()));
            }
            let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(solid(&parts.concat()), solid(text));
        }
    }

    #[test]
    fn a_text_that_fits_stays_whole() {
        assert_eq!(split("  spaces stay  ", 100), ["  spaces stay  "]);
        assert_eq!(split("", 100), [""]);
        let exact = "é".repeat(MAX_TEXT);
        assert_eq!(split(&exact, MAX_TEXT), [exact.as_str()]);
    }

    #[test]
    fn paragraphs_are_kept_together() {
        assert_eq!(split("one two three\n\nfour five", 20), ["one two three", "four five"]);
        assert_eq!(split("one two three four", 10), ["one two", "three four"]);
    }
}
