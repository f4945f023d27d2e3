//! Reads file and environment into a checked [`Config`], and says what is wrong with them.

#![expect(clippy::wildcard_enum_match_arm, reason = "foreign enums, of which a few arms matter")]

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    error::Kind,
    providers::Serialized,
    value::{Dict, Value},
};
use toml::de::{DeTable, DeValue};

use super::{Config, Fault, KEYS};

/// Where the configuration is looked for when nobody says.
pub const DEFAULT_PATH: &str = "config/chatbox.toml";

const PREFIX: &str = "CHATBOX_";
const SEPARATOR: &str = "__";

/// A configuration, and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    /// None: no file, built-in defaults.
    pub path: Option<PathBuf>,
}

/// Reads the file at `path` (absent: [`DEFAULT_PATH`] if there is one) and the variables of `env`
/// over it.
pub fn load(
    path: Option<&Path>,
    env: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Fault> {
    let path = match path {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(DEFAULT_PATH)).filter(|path| path.exists()),
    };
    let file = match &path {
        None => File::default(),
        Some(path) => File::read(path)?,
    };
    let variables = variables(env)?;
    let mut config: Config = Figment::new()
        .merge(Serialized::globals(&file.table))
        .merge(Serialized::globals(nested(&variables)))
        .extract()
        .map_err(|fault| describe(&fault, &file, &variables))?;

    let base = path.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new(""));
    config.store.resolve(base);
    config.content.resolve(base);
    config.matrix.resolve(base)?;
    config.telegram.resolve(base)?;
    config.validate().map_err(|Fault(sentence)| match &path {
        None => Fault(sentence),
        Some(path) => Fault(format!("{}: {sentence}", path.display())),
    })?;
    Ok(Loaded { config, path })
}

#[derive(Default)]
struct File {
    name: String,
    text: String,
    table: toml::Table,
}

impl File {
    fn read(path: &Path) -> Result<Self, Fault> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|fault| {
            Fault(match fault.kind() {
                io::ErrorKind::NotFound => format!("{name}: there is no such configuration file."),
                io::ErrorKind::InvalidData => format!("{name}: the configuration file is not UTF-8 text."),
                _ => format!("{name}: the configuration file cannot be read ({}).", fault.kind()),
            })
        })?;
        // Only message and place of the fault: the text around it may hold a secret.
        let mut table: toml::Table = toml::from_str(&text).map_err(|fault: toml::de::Error| {
            let (line, column) = place(&text, fault.span().map_or(0, |span| span.start));
            Fault(format!("{name}:{line}:{column}: this is not TOML ({}).", fault.message()))
        })?;
        table.iter_mut().for_each(|(_, value)| dates_as_text(value));
        Ok(Self { name, text, table })
    }

    /// `name:line:column` of a key, as far down as it exists.
    fn locate(&self, key: &[String]) -> String {
        let mut offset = None;
        if let Ok(root) = DeTable::parse(&self.text) {
            let mut table = root.get_ref();
            for part in key {
                let Some((found, value)) = table.get_key_value(part.as_str()) else { break };
                offset = Some(found.span().start);
                match value.get_ref() {
                    DeValue::Table(inner) => table = inner,
                    _ => break,
                }
            }
        }
        match offset {
            None => self.name.clone(),
            Some(offset) => {
                let (line, column) = place(&self.text, offset);
                format!("{}:{line}:{column}", self.name)
            }
        }
    }
}

/// TOML's own dates become text: other sources have no such type.
fn dates_as_text(value: &mut toml::Value) {
    match value {
        toml::Value::Datetime(date) => *value = toml::Value::String(date.to_string()),
        toml::Value::Array(values) => values.iter_mut().for_each(dates_as_text),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| dates_as_text(value)),
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_) => {}
    }
}

/// 1-based line and column of a byte offset.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// A variable that is configuration: its key by parts, its own name, its value.
struct Variable {
    key: Vec<String>,
    name: String,
    value: String,
}

/// The variables that are configuration: with the prefix, and with the double underscore.
fn variables(env: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<Variable>, Fault> {
    let mut found = Vec::new();
    for (name, value) in env {
        let Some(name) = name.to_str() else { continue };
        let Some(key) = name.strip_prefix(PREFIX).filter(|key| key.contains(SEPARATOR)) else { continue };
        let value = value
            .into_string()
            .map_err(|_| Fault(format!("the environment variable {name} is not UTF-8 text.")))?;
        let key: Vec<String> = key.split(SEPARATOR).map(str::to_lowercase).collect();
        if key.len() != 2 {
            return Err(Fault(unknown(&format!("the environment variable {name}"), &key)));
        }
        found.push(Variable { key, name: name.to_owned(), value });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn nested(variables: &[Variable]) -> Dict {
    let mut root = Dict::new();
    for variable in variables {
        let section = root.entry(variable.key[0].clone()).or_insert_with(|| Value::from(Dict::new()));
        if let Value::Dict(_, section) = section {
            section.insert(variable.key[1].clone(), Value::from(variable.value.as_str()));
        }
    }
    root
}

/// A sentence for what figment found. Never names the value: it might be a secret.
fn describe(fault: &figment::Error, file: &File, variables: &[Variable]) -> Fault {
    let mut key: Vec<String> = fault.path.iter().map(ToString::to_string).collect();
    if let Kind::UnknownField(name, _) = &fault.kind
        && key.last() != Some(name)
    {
        key.push(name.clone());
    }
    let place = match variables.iter().find(|variable| variable.key.starts_with(&key)) {
        Some(variable) => format!("the environment variable {}", variable.name),
        None => file.locate(&key),
    };
    let dotted = key.join(".");
    Fault(match &fault.kind {
        Kind::UnknownField(..) => unknown(&place, &key),
        Kind::Message(message) => format!("{place}: {dotted} {message}."),
        Kind::InvalidType(..) | Kind::InvalidValue(..) if key.len() < 2 => {
            format!("{place}: {dotted} is a section, so it is written [{dotted}] with its keys below.")
        }
        _ => format!("{place}: {dotted} cannot be read."),
    })
}

/// "… is not a key; did you mean …?"
fn unknown(place: &str, key: &[String]) -> String {
    let dotted = key.join(".");
    let sections = KEYS.iter().filter_map(|key| key.split('.').next());
    let known = key.first().is_some_and(|first| sections.clone().any(|section| section == first));
    let nearest = if key.len() > 1 || known {
        KEYS.iter()
            .copied()
            // A key of the same section is nearer than one of the same name elsewhere.
            .max_by(|a, b| likeness(&dotted, a).total_cmp(&likeness(&dotted, b)))
    } else {
        sections.max_by(|a, b| likeness(&dotted, a).total_cmp(&likeness(&dotted, b)))
    };
    match nearest {
        Some(nearest) => format!("{place}: there is no key {dotted}; the nearest is {nearest}."),
        None => format!("{place}: there is no key {dotted}."),
    }
}

fn likeness(asked: &str, known: &str) -> f64 {
    strsim::jaro_winkler(asked, known)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret as _;

    use super::*;

    const SHIPPED: &str = include_str!("../../../config/chatbox.toml");

    fn with_env(pairs: &[(&str, &str)]) -> Result<Loaded, Fault> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.toml");
        fs::write(&path, "").unwrap();
        load(Some(&path), pairs.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))))
    }

    fn with_file(text: &str) -> Result<Loaded, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chatbox.toml");
        fs::write(&path, text).unwrap();
        load(Some(&path), [])
            .map_err(|fault| fault.to_string().replace(&format!("{}/", dir.path().display()), ""))
    }

    #[test]
    fn shipped_file_is_the_defaults() {
        let loaded = with_file(SHIPPED).unwrap();
        assert_eq!(format!("{:?}", loaded.config), format!("{:?}", Config::default()));
    }

    #[test]
    fn shipped_file_explains_every_key() {
        let mut section = "";
        let mut found = BTreeSet::new();
        let mut explained = false;
        for line in SHIPPED.lines() {
            let bare = line.strip_prefix("# ").or_else(|| line.strip_prefix('#')).unwrap_or(line);
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if let Some((key, _)) = bare.split_once(" = ").filter(|(key, _)| {
                key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !section.is_empty()
            }) {
                assert!(explained, "{section}.{key} has no comment above it");
                found.insert(format!("{section}.{key}"));
                explained = false;
            } else {
                explained = line.starts_with('#');
            }
        }
        assert_eq!(found, KEYS.iter().map(ToString::to_string).collect());
    }

    #[test]
    fn every_listed_key_is_one_and_no_other_is() {
        for key in KEYS {
            let (section, key) = key.split_once('.').unwrap();
            let fault = with_file(&format!("[{section}]\n{key} = {{}}\n")).unwrap_err();
            assert!(fault.contains("must be"), "{section}.{key}: {fault}");
            let fault: figment::Error = Figment::new()
                .merge(Serialized::global(&format!("{section}.no_such_key"), 1))
                .extract::<Config>()
                .unwrap_err();
            let Kind::UnknownField(_, expected) = fault.kind else { panic!("{fault}") };
            let listed: Vec<_> = KEYS.iter().filter_map(|k| k.strip_prefix(&format!("{section}."))).collect();
            assert_eq!(expected, listed);
        }
    }

    #[test]
    fn unknown_key_names_place_and_nearest() {
        assert_eq!(
            with_file("[hub]\nname = \"H\"\nphome = \"1\"\n").unwrap_err(),
            "chatbox.toml:3:1: there is no key hub.phome; the nearest is hub.phone."
        );
        assert_eq!(
            with_file("[telegramm]\ntoken = \"1\"\n").unwrap_err(),
            "chatbox.toml:1:2: there is no key telegramm; the nearest is telegram."
        );
        assert_eq!(
            with_env(&[("CHATBOX_TELEGRAM__TOKN", "1:x")]).unwrap_err().0,
            "the environment variable CHATBOX_TELEGRAM__TOKN: there is no key telegram.tokn; the nearest is \
             telegram.token."
        );
    }

    #[test]
    fn only_a_double_underscore_makes_a_variable_configuration() {
        assert!(with_env(&[("CHATBOX_CI_CACHE", "x"), ("CHATBOX_LOG", "y"), ("OTHER__KEY", "z")]).is_ok());
    }

    #[test]
    fn environment_values_keep_their_form() {
        let loaded = with_env(&[
            ("CHATBOX_HUB__PHONE", "020 0000 0000"),
            ("CHATBOX_HUB__NAME", "12"),
            ("CHATBOX_HUB__AREAS", "Camden, Islington"),
            ("CHATBOX_HUB__CLOSED_DAYS", "2026-12-24"),
            ("CHATBOX_TELEGRAM__CHAT_PER_SECOND", "0.5"),
            ("CHATBOX_DESK__NONE", "true"),
            ("CHATBOX_HUB__WEB", ""),
        ])
        .unwrap();
        let hub = loaded.config.hub;
        assert_eq!((hub.phone.as_deref(), hub.name.as_str()), (Some("020 0000 0000"), "12"));
        assert_eq!((hub.areas.len(), hub.closed_days.len(), hub.web), (2, 1, None));
        assert!((loaded.config.telegram.chat_per_second - 0.5).abs() < f64::EPSILON);
        assert!(loaded.config.desk.none);
    }

    #[test]
    fn wrong_values_are_sentences_and_never_show_the_value() {
        for (text, expected) in [
            (
                "[telegram]\nper_second = \"often\"",
                "chatbox.toml:2:1: telegram.per_second must be a number, 0 or more.",
            ),
            ("[telegram]\ntoken = 99", "chatbox.toml:2:1: telegram.token must be a text in quotes."),
            (
                "telegram = 99",
                "chatbox.toml:1:1: telegram is a section, so it is written [telegram] with its keys below.",
            ),
            (
                "[limits]\nperson_per_minute = -1",
                "chatbox.toml:2:1: limits.person_per_minute must be a whole number, 0 or more.",
            ),
            (
                "[hub]\nclosed_days = [\"soon\", 2026-12-25]",
                "chatbox.toml:2:1: hub.closed_days must be a list of days, such as [\"2026-12-25\"].",
            ),
            (
                "[telegram]\nmode = \"push\"",
                "chatbox.toml:2:1: telegram.mode must be \"poll\" or \"webhook\".",
            ),
        ] {
            assert_eq!(with_file(text).unwrap_err(), expected);
        }
        let fault = with_file("[telegram]\ntoken = \"1:SECRET").unwrap_err();
        assert!(fault.starts_with("chatbox.toml:2:") && !fault.contains("SECRET"), "{fault}");
        let fault = with_file("[telegram]\ntoken = \"SECRET\"").unwrap_err();
        assert!(fault.contains("telegram.token is not a bot token") && !fault.contains("SECRET"), "{fault}");
    }

    #[test]
    fn secrets_come_from_files_and_paths_hang_on_the_config_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chatbox.toml");
        fs::write(dir.path().join("token"), "1:abc\n").unwrap();
        fs::write(&path, "[telegram]\ntoken_file = \"token\"\n[store]\nurl = \"sqlite:x.db\"\n").unwrap();
        let config = load(Some(&path), []).unwrap().config;
        assert_eq!(config.telegram.token.unwrap().expose_secret(), "1:abc");
        let url = config.store.url.unwrap();
        assert_eq!(url.expose_secret(), format!("sqlite:{}/x.db", dir.path().display()));
        fs::write(&path, "[telegram]\ntoken_file = \"nowhere\"\n").unwrap();
        let fault = load(Some(&path), []).unwrap_err().to_string();
        assert!(fault.contains("telegram.token_file") && fault.contains("nowhere"), "{fault}");
    }

    #[cfg(feature = "matrix")]
    #[test]
    fn half_a_matrix_account_is_a_sentence() {
        const ON: &str = "[matrix]\nhomeserver = \"https://example.org\"\n";
        for (text, expected) in [
            ("[matrix]\nuser = \"bot\"\n", "matrix.user is set and matrix.homeserver is not"),
            ("[matrix]\nhomeserver = \"example.org\"\n", "matrix.homeserver must be a web address"),
            (ON, "so matrix.user must be the bot's account"),
            (&format!("{ON}user = \"@bot\"\n"), "matrix.user must be written @chatbox:example.org"),
            (&format!("{ON}user = \"bot\"\n"), "matrix.password or matrix.password_file must be set"),
            (
                &format!("{ON}user = \"bot\"\npassword = \"x\"\nallowed_servers = [\"https://a\"]\n"),
                "matrix.allowed_servers must be a list of server names",
            ),
        ] {
            let fault = with_file(text).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        }
        let whole = format!("{ON}user = \"@bot:example.org\"\npassword = \"SECRET\"\n");
        assert!(with_file(&whole).is_ok());
    }
}
