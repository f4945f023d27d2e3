//! One HTTP call of the Bot API, told apart by what is known of its outcome.

use std::{fmt, time::Duration};

use reqwest::{RequestBuilder, StatusCode, Url, header::CONTENT_TYPE, multipart::Form, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use teloxide_core::requests::Payload;

use crate::ConnectError;

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(10);
/// The wait when Telegram names none.
const DEFAULT_RETRY: Duration = Duration::from_secs(5);

/// How a call ended.
///
/// A 5xx is `Unknown`: a gateway answers with one when the server behind it took the call and was
/// slow, as well as when it did not. A 401 or 404 on a call that worked before is `Unsent`: it
/// says that the token is void, not that there is anything wrong with the request.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Done(T),
    /// Telegram refuses the request for good.
    Refused(Refused),
    /// Not carried out; not before this wait.
    RetryAfter(Duration),
    /// Certainly not carried out.
    Unsent(NotSent),
    /// May or may not have been carried out.
    Unknown,
}

/// Telegram's no. Its own words are left out of `Debug`, as they may quote the request.
pub(crate) struct Refused {
    pub(crate) code: u16,
    pub(crate) description: String,
    pub(crate) migrate_to: Option<i64>,
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("code", &self.code)
            .field("migrate_to", &self.migrate_to)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// No connection came about.
    Connect,
    /// Telegram does not know the token.
    Token,
    /// Something on the way answered in Telegram's place.
    Intermediary(u16),
    /// The request could not be written down.
    Request,
}

/// Where calls go. Cloning shares the connections.
#[derive(Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    /// `{api_url}/bot{token}/`: as secret as the token. Read once: to do so for every call takes as long as
    /// writing the call.
    base: Url,
    /// `{api_url}/file/bot{token}/`: too.
    files: SecretString,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    result: Option<T>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    migrate_to_chat_id: Option<i64>,
    retry_after: Option<u64>,
}

impl Api {
    /// `api_url` has no slash at its end.
    pub(crate) fn new(api_url: &str, token: &SecretString) -> Result<Self, ConnectError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(Policy::none())
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .build()
            .map_err(|error| ConnectError::Tls(error.without_url()))?;
        let base = Url::parse(&format!("{api_url}/bot{}/", token.expose_secret()))
            .map_err(|_| ConnectError::ApiUrl)?;
        let files = SecretString::from(format!("{api_url}/file/bot{}/", token.expose_secret()));
        Ok(Self { client, base, files })
    }

    /// Posts a payload and waits at most `within` for all of the answer.
    pub(crate) async fn call<P, T>(&self, payload: &P, within: Duration) -> Outcome<T>
    where
        P: Payload + Serialize,
        T: DeserializeOwned,
    {
        self.post(P::NAME, payload, within).await
    }

    /// The same for a payload that is written here, such as a file that Telegram has already.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        method: &str,
        payload: &impl Serialize,
        within: Duration,
    ) -> Outcome<T> {
        let Ok(body) = serde_json::to_vec(payload) else { return Outcome::Unsent(NotSent::Request) };
        let Some(request) = self.request(method) else { return Outcome::Unsent(NotSent::Request) };
        answer(request.header(CONTENT_TYPE, "application/json").body(body), within).await
    }

    /// The same with a file beside the fields.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        method: &str,
        form: Form,
        within: Duration,
    ) -> Outcome<T> {
        let Some(request) = self.request(method) else { return Outcome::Unsent(NotSent::Request) };
        answer(request.multipart(form), within).await
    }

    /// Asks for a file's bytes. The path is what `getFile` gave.
    pub(crate) async fn file(
        &self,
        path: &str,
        within: Duration,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}{path}", self.files.expose_secret());
        self.client.get(url).timeout(within).send().await.map_err(reqwest::Error::without_url)
    }

    /// `None` if the method is no name.
    fn request(&self, method: &str) -> Option<RequestBuilder> {
        Some(self.client.post(self.base.join(method).ok()?))
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder, within: Duration) -> Outcome<T> {
    if within.is_zero() {
        return Outcome::Unsent(NotSent::Request);
    }
    let request = request.timeout(within);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => return Outcome::Unsent(NotSent::Request),
        Err(error) if error.is_connect() => return Outcome::Unsent(NotSent::Connect),
        Err(_) => return Outcome::Unknown,
    };
    let status = response.status();
    match response.bytes().await {
        Ok(body) => read(status, &body),
        Err(_) => Outcome::Unknown,
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Outcome<T> {
    if status.is_server_error() {
        return Outcome::Unknown;
    }
    // What is left is refused, or a result that has another shape.
    if let Ok(Envelope { ok: true, result: Some(result), .. }) = serde_json::from_slice::<Envelope<T>>(body) {
        return Outcome::Done(result);
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<IgnoredAny>>(body) else {
        return match status.as_u16() {
            // Without Telegram's words nothing is known of a success …
            200..=299 => Outcome::Unknown,
            // … a request too large for the gateway will always be …
            413 => Outcome::Refused(Refused { code: 413, description: String::new(), migrate_to: None }),
            // … and whoever else says no stands in front of Telegram.
            code => Outcome::Unsent(NotSent::Intermediary(code)),
        };
    };
    if envelope.ok {
        return Outcome::Unknown;
    }
    if let Some(migrate_to) = envelope.parameters.migrate_to_chat_id {
        let description = envelope.description;
        return Outcome::Refused(Refused {
            code: status.as_u16(),
            description,
            migrate_to: Some(migrate_to),
        });
    }
    match status.as_u16() {
        401 | 404 => Outcome::Unsent(NotSent::Token),
        429 => Outcome::RetryAfter(
            envelope
                .parameters
                .retry_after
                .map_or(DEFAULT_RETRY, |seconds| Duration::from_secs(seconds.max(1))),
        ),
        code => Outcome::Refused(Refused { code, description: envelope.description, migrate_to: None }),
    }
}
