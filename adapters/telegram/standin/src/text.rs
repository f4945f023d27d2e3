//! Lengths and markup as Telegram counts and reads them.

use crate::methods::Fail;

/// Length in UTF-16 units, which is what Telegram counts.
pub(crate) fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// What a person sees of `text` under a parse mode, or why Telegram cannot read it.
pub(crate) fn shown(text: &str, parse_mode: Option<&str>) -> Result<String, Fail> {
    let plain = match parse_mode.map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => text.to_owned(),
        Some("html") => html(text)?,
        Some("markdownv2") => markdown_v2(text)?,
        Some("markdown") => text.chars().filter(|c| !matches!(c, '*' | '_' | '`')).collect(),
        Some(_) => return Err(Fail::bad("unsupported parse_mode")),
    };
    Ok(plain.trim().to_owned())
}

fn html(text: &str) -> Result<String, Fail> {
    let mut plain = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('>') else {
            return Err(Fail::bad("can't parse entities: Unclosed start tag"));
        };
        let tag = &rest[at + 1..at + end];
        rest = &rest[at + end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name.trim()) {
                return Err(Fail::bad(&format!("can't parse entities: Unmatched end tag \"{name}\"")));
            }
        } else {
            let name = tag.split([' ', '\n']).next().unwrap_or_default();
            let known = [
                "b",
                "strong",
                "i",
                "em",
                "u",
                "ins",
                "s",
                "strike",
                "del",
                "span",
                "tg-spoiler",
                "a",
                "code",
                "pre",
                "blockquote",
                "tg-emoji",
            ];
            if !known.contains(&name) {
                return Err(Fail::bad(&format!("can't parse entities: Unsupported start tag \"{name}\"")));
            }
            open.push(name.to_owned());
        }
    }
    plain.push_str(rest);
    if let Some(tag) = open.pop() {
        return Err(Fail::bad(&format!(
            "can't parse entities: Can't find end tag corresponding to \"{tag}\""
        )));
    }
    Ok(plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

fn markdown_v2(text: &str) -> Result<String, Fail> {
    let mut plain = String::new();
    let mut letters = text.chars();
    let mut code = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.extend(letters.next()),
            '`' => code = !code,
            _ if code => plain.push(letter),
            '*' | '_' | '~' | '|' | '[' | ']' => {}
            '.' | '!' | '-' | '#' | '+' | '=' | '{' | '}' => {
                return Err(Fail::bad(&format!(
                    "can't parse entities: Character '{letter}' is reserved and must be escaped with the preceding '\\'"
                )));
            }
            other => plain.push(other),
        }
    }
    Ok(plain)
}
