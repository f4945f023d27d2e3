//! How single values are read. A value from the environment is always text, so each function
//! takes the text form beside the TOML form. Messages say what is wanted, never what was found:
//! it might be a secret.

#![expect(clippy::wildcard_enum_match_arm, reason = "foreign enums: whatever is not wanted is refused")]

use std::{fmt::Display, net::SocketAddr, path::PathBuf, str::FromStr};

use figment::value::Value;
use jiff::civil::Date;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};

/// Text; an empty one is as good as none.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match raw(from)? {
        Value::String(_, text) if text.trim().is_empty() => Ok(None),
        Value::String(_, text) => Ok(Some(text)),
        _ => Err(Error::custom("must be a text in quotes")),
    }
}

/// Text that must not be empty.
pub(super) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from)?.ok_or_else(|| Error::custom("must not be empty"))
}

/// A platform's id: text, or the bare number.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match raw(from)? {
        Value::String(_, text) if text.trim().is_empty() => Ok(None),
        Value::String(_, text) => Ok(Some(text.trim().to_owned())),
        Value::Num(_, number) => match number.to_i128() {
            Some(number) => Ok(Some(number.to_string())),
            None => Err(Error::custom("must be an id: a whole number, or a text in quotes")),
        },
        _ => Err(Error::custom("must be an id: a whole number, or a text in quotes")),
    }
}

pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(text(from)?.map(SecretString::from))
}

pub(super) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(text(from)?.map(PathBuf::from))
}

pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match raw(from)? {
        Value::Bool(_, flag) => Ok(flag),
        Value::String(_, text) if text == "true" => Ok(true),
        Value::String(_, text) if text == "false" => Ok(false),
        _ => Err(Error::custom("must be true or false")),
    }
}

/// A whole number from 0.
pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let number = match raw(from)? {
        Value::Num(_, number) => number.to_i128().and_then(|number| u32::try_from(number).ok()),
        Value::String(_, text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| Error::custom("must be a whole number, 0 or more"))
}

/// A rate: a number from 0, with or without a fraction.
pub(super) fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let number = match raw(from)? {
        Value::Num(_, number) => {
            number.to_f64().or_else(|| number.to_u32().map(f64::from)).or_else(|| {
                // Whole numbers have no lossless f64 beyond 32 bits; no rate is that large.
                number.to_i128().and_then(|n| i32::try_from(n).ok()).map(f64::from)
            })
        }
        Value::String(_, text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| Error::custom("must be a number, 0 or more"))
}

/// A list of texts; in the environment separated by commas.
pub(super) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    const FORM: &str = "must be a list of texts, such as [\"Camden\", \"Islington\"]";
    match raw(from)? {
        Value::String(_, text) => {
            Ok(text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
        }
        Value::Array(_, values) => {
            values.into_iter().map(|value| value.into_string().ok_or_else(|| Error::custom(FORM))).collect()
        }
        _ => Err(Error::custom(FORM)),
    }
}

pub(super) fn dates<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Date>, D::Error> {
    const FORM: &str = "must be a list of days, such as [\"2026-12-25\"]";
    let days = list(from).map_err(|_| Error::custom(FORM))?;
    days.iter().map(|day| day.parse().map_err(|_| Error::custom(FORM))).collect()
}

/// `IP:PORT` to listen on.
pub(super) fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    match text(from)? {
        None => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Error::custom("must be an address to listen on, such as \"127.0.0.1:8080\"")),
    }
}

/// One of a few words; the word's own error says which.
pub(super) fn one_of<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    word(from)?.parse().map_err(Error::custom)
}

/// One of a few words, or nothing.
pub(super) fn maybe_one_of<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    text(from)?.map(|word| word.parse().map_err(Error::custom)).transpose()
}

fn raw<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    <Value as Deserialize>::deserialize(from)
}
