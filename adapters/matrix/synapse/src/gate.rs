//! What stands between a bot and its homeserver, and fails when told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A way to the server by an address of its own. It lives as long as this value.
pub struct Gate {
    url: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    serving: JoinHandle<()>,
}

/// What happens to requests whose path holds a text.
#[derive(Clone)]
struct Rule {
    part: String,
    fate: Fate,
    /// How many more requests it applies to; none: all.
    left: Option<usize>,
}

#[derive(Clone)]
enum Fate {
    /// The server is not asked.
    Answer { status: u16, body: String },
    /// The server is asked, and its answer is lost.
    LoseAnswer,
}

impl Gate {
    /// Opens a way to `upstream`.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("127.0.0.1 has a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let rules = Arc::<Mutex<Vec<Rule>>>::default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
        let way = Way { upstream: upstream.to_owned(), client, rules: Arc::clone(&rules) };
        let router = Router::new().fallback(pass).with_state(way);
        let serving = tokio::spawn(async move {
            // It ends with the gate, and has no other end.
            let _ = axum::serve(listener, router).await;
        });
        Self { url, rules, serving }
    }

    /// The address to give to the bot.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Requests whose path holds `part` are answered here, with that status and JSON.
    pub fn answer(&self, part: &str, status: u16, body: &str) {
        self.add(part, Fate::Answer { status, body: body.to_owned() }, None);
    }

    /// As [`Gate::answer`], for the next `times` such requests.
    pub fn answer_times(&self, times: usize, part: &str, status: u16, body: &str) {
        self.add(part, Fate::Answer { status, body: body.to_owned() }, Some(times));
    }

    /// The next `times` requests whose path holds `part` reach the server, and its answers are
    /// lost on the way back: the gate says 504, as what stands before a server does.
    pub fn lose_answers(&self, times: usize, part: &str) {
        self.add(part, Fate::LoseAnswer, Some(times));
    }

    /// Everything passes again.
    pub fn open(&self) {
        self.rules().clear();
    }

    fn add(&self, part: &str, fate: Fate, left: Option<usize>) {
        self.rules().push(Rule { part: part.to_owned(), fate, left });
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Way {
    upstream: String,
    client: reqwest::Client,
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Way {
    fn fate(&self, path: &str) -> Option<Fate> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules
            .iter_mut()
            .find(|rule| path.contains(&rule.part) && rule.left.is_none_or(|left| left > 0))?;
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.fate.clone())
    }
}

async fn pass(
    State(way): State<Way>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let lose = match way.fate(uri.path()) {
        Some(Fate::Answer { status, body }) => return answer(status, body),
        Some(Fate::LoseAnswer) => true,
        None => false,
    };
    headers.remove(header::HOST);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = way.client.request(method, format!("{}{path}", way.upstream)).headers(headers).body(body);
    let Ok(answered) = request.send().await else { return answer(502, String::new()) };
    if lose {
        return answer(504, String::new());
    }
    let mut response = Response::builder().status(answered.status().as_u16());
    for (name, value) in answered.headers() {
        if name != header::TRANSFER_ENCODING && name != header::CONNECTION {
            response = response.header(name, value);
        }
    }
    match answered.bytes().await.map(|bytes| response.body(Body::from(bytes))) {
        Ok(Ok(response)) => response,
        Ok(Err(_)) | Err(_) => answer(502, String::new()),
    }
}

fn answer(status: u16, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
