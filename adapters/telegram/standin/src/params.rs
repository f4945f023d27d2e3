//! The parameters of one call, however the client wrote them: query, form, JSON or multipart.

use std::collections::BTreeMap;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Multipart, Request},
    http::header::CONTENT_TYPE,
};
use serde_json::{Map, Value};

use crate::methods::Fail;

/// Largest body taken: what Telegram lets a bot upload.
const MAX_BODY: usize = 50 << 20;

#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) values: Map<String, Value>,
    pub(crate) files: BTreeMap<String, Upload>,
}

#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) bytes: Vec<u8>,
}

impl Params {
    pub(crate) async fn read(request: Request) -> Result<Self, Fail> {
        let mut params = Self::default();
        params.add_pairs(request.uri().query().unwrap_or_default());
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            params.add_multipart(request).await?;
            return Ok(params);
        }
        let body = to_bytes(request.into_body(), MAX_BODY)
            .await
            .map_err(|_| Fail::new(413, "Request Entity Too Large"))?;
        if kind.starts_with("application/json") {
            if !body.is_empty() {
                match serde_json::from_slice(&body) {
                    Ok(Value::Object(values)) => params.values.extend(values),
                    _ => return Err(Fail::bad("can't parse JSON object")),
                }
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            params.add_pairs(&String::from_utf8_lossy(&body));
        }
        Ok(params)
    }

    fn add_pairs(&mut self, pairs: &str) {
        if let Ok(url) = reqwest::Url::parse(&format!("http://standin/?{pairs}")) {
            for (key, value) in url.query_pairs() {
                self.values.insert(key.into_owned(), Value::String(value.into_owned()));
            }
        }
    }

    async fn add_multipart(&mut self, request: Request) -> Result<(), Fail> {
        let unreadable = || Fail::bad("can't parse multipart form data");
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
        while let Some(field) = form.next_field().await.map_err(|_| unreadable())? {
            let Some(key) = field.name().map(str::to_owned) else { continue };
            let file = field.file_name().map(str::to_owned);
            let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
            let bytes = field.bytes().await.map_err(|_| unreadable())?.to_vec();
            if let Some(name) = file {
                self.files.insert(key, Upload { name, mime, bytes });
            } else {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.values.insert(key, Value::String(text));
            }
        }
        Ok(())
    }

    /// A string; a number or flag as its digits or word.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match self.values.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Some(other.to_string())
            }
        }
    }

    pub(crate) fn int(&self, key: &str) -> Option<i64> {
        match self.values.get(key)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.text(key).as_deref(), Some("true" | "True" | "1"))
    }

    /// An object or a list, also one that came as a string.
    pub(crate) fn json(&self, key: &str) -> Option<Value> {
        match self.values.get(key)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(serde_json::from_str(text).unwrap_or(Value::Null)),
            Value::Null => None,
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Some(other.clone())
            }
        }
    }
}
