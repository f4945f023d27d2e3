//! Names in braces within content, such as `{hub.name}`.

/// Every name that a text may use, besides `answer.FIELD`.
pub(crate) const NAMES: &[&str] = &[
    "hub.name",
    "hub.contact",
    "hub.confidentiality",
    "hub.hours",
    "hub.chat_days",
    "channel.privacy",
    "lines",
    "desk.promise",
    "desk.request",
    "desk.alerted",
    "desk.hours",
    "desk.can_join",
    "desk.waiting",
    "desk.place",
    "desk.name",
    "desk.when",
    "reference",
    "summary",
    "so_far",
    "request.sent",
    "form",
    "need",
    "written",
    "kept",
];

/// The names used in a text, in order. A brace that is never closed is text.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        rest = &rest[start + 1..];
        if let Some(end) = rest.find('}') {
            names.push(&rest[..end]);
            rest = &rest[end + 1..];
        }
    }
    names
}

/// Puts values in place of names; an unknown name stays as it is. Values are not read again, so
/// a person's words cannot act as a template.
pub(crate) fn render(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        match after.find('}').and_then(|end| value(&after[..end]).map(|value| (end, value))) {
            Some((end, value)) => {
                out.push_str(&value);
                rest = &after[end + 1..];
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_words_are_never_read_as_a_template() {
        let out = render("{a} and {b}", |name| match name {
            "a" => Some("{b}".to_owned()),
            "b" => Some("B".to_owned()),
            _ => None,
        });
        assert_eq!(out, "{b} and B");
    }

    #[test]
    fn an_open_brace_is_text() {
        assert_eq!(render("{ no end", |_| None), "{ no end");
        assert!(names("{ no end").is_empty());
    }
}
