//! The safety rules as they ship: what is promised of their files, and of what people write.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

mod safety {
    mod files;
    mod words;

    use std::{ops::RangeBounds, sync::LazyLock};

    use chatbox_core::{
        content::Finding,
        safety::{Heard, Kind, Route, Safety, WEIGHTS},
        understanding::Memory,
    };
    use jiff::Timestamp;

    use crate::support;

    /// The rules and the learned net of the content.
    static SAFETY: LazyLock<Safety> = LazyLock::new(|| load(&shipped(), &mut vec![]));

    /// The rule files and the weights of the content, each with its path.
    fn shipped() -> Vec<(String, String)> {
        support::content_files().into_iter().filter(|(path, _)| path.starts_with("safety/")).collect()
    }

    /// The weights alone.
    fn weights() -> (String, String) {
        shipped().into_iter().find(|(path, _)| path == WEIGHTS).unwrap()
    }

    fn load(files: &[(String, String)], findings: &mut Vec<Finding>) -> Safety {
        Safety::load(&borrowed(files), findings)
    }

    fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
    }

    fn hear(safety: &Safety, text: &str) -> Heard {
        safety.hear(text, &Memory::default(), Timestamp::UNIX_EPOCH)
    }

    fn route(text: &str) -> Route {
        hear(&SAFETY, text).route
    }

    /// Each of the texts is heard on one of these routes.
    #[track_caller]
    fn assert_routes(routes: impl RangeBounds<Route>, texts: &[&str]) {
        for text in texts {
            let heard = hear(&SAFETY, text);
            assert!(routes.contains(&heard.route), "{text}: {:?} for {:?}", heard.route, heard.reasons);
        }
    }

    /// A line of a corpus: a text, several in turn, or parts that are put together in every way; and what must be
    /// heard in each text, of several in the last.
    #[derive(serde::Deserialize)]
    struct Line {
        #[serde(default)]
        text: Option<String>,
        #[serde(default)]
        texts: Vec<String>,
        #[serde(default)]
        parts: Vec<Vec<String>>,
        group: String,
        min: Route,
        #[serde(default = "highest")]
        max: Route,
        #[serde(default)]
        kinds: Vec<Kind>,
        #[serde(default)]
        soft: bool,
    }

    fn highest() -> Route {
        Route::E
    }

    fn lines(corpus: &str) -> impl Iterator<Item = Line> {
        corpus.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap())
    }

    /// Texts that neither rules nor weights were made with.
    fn held_back() -> impl Iterator<Item = Line> {
        lines(include_str!("safety/held_back.jsonl"))
    }
}
