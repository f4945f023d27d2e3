//! Text for a screen: no line too long, nothing that commands the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Breaks text into lines of at most `width` columns. Line breaks stay; a line that begins with a
/// dash or a number goes on below its first word.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    text.lines().flat_map(|line| wrap_line(line, width)).collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let hang = hang(line);
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line.split_whitespace() {
        let mut word = word;
        loop {
            let gap = usize::from(!current.trim().is_empty());
            if current.width() + gap + word.width() <= width {
                if gap == 1 {
                    current.push(' ');
                }
                current.push_str(word);
                break;
            }
            if current.trim().is_empty() {
                // One word longer than a line.
                let at = fitting(word, width - current.width());
                current.push_str(&word[..at]);
                word = &word[at..];
            }
            lines.push(std::mem::replace(&mut current, " ".repeat(hang)));
        }
    }
    lines.push(current);
    lines
}

/// How far the later lines of a list entry stand in.
fn hang(line: &str) -> usize {
    let marker = line.split_whitespace().next().unwrap_or("");
    let numbered = marker.strip_suffix(['.', ')']).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    if matches!(marker, "-" | "*" | "•") || (numbered && marker.len() > 1) { marker.width() + 1 } else { 0 }
}

/// Bytes of `word` that fit into `columns`; at least one letter.
fn fitting(word: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, letter) in word.char_indices() {
        used += letter.width().unwrap_or(0);
        if used > columns && at > 0 {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lists_hang() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("- one two three", 9), ["- one two", "  three"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(wrap("\u{1b}[2Jhi\u{7}", 20), ["[2Jhi"]);
    }
}
