//! The HTTP side: finds out what is asked, lets faults strike, answers as Telegram does.

use std::{
    net::Shutdown,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    fault::{self, What},
    methods::{Answer, Fail, carry_out},
    params::Params,
    shared::Shared,
    transcript::Call,
};

/// Longest wait of one `getUpdates`, in seconds.
const MAX_POLL: i64 = 50;

/// The status of an answer that nobody is there to read.
const UNANSWERED: StatusCode = StatusCode::NO_CONTENT;

/// Serves until the future is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Shared) {
    let app = Router::new().fallback(answer).with_state(shared.clone());
    let service = app.into_make_service_with_connect_info::<Line>();
    // Accepting goes on after every error, so this returns only when it is dropped.
    let _ = axum::serve(Listening { listener, shared }, service).await;
}

struct Listening {
    listener: TcpListener,
    shared: Shared,
}

/// One connection, so that a fault can break it.
#[derive(Debug, Clone)]
struct Line(Arc<std::net::TcpStream>);

impl Line {
    fn cut(&self) {
        // Already broken is as good as cut.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Listener for Listening {
    type Io = TcpStream;
    type Addr = Line;

    async fn accept(&mut self) -> (TcpStream, Line) {
        loop {
            if let Ok((stream, _)) = self.listener.accept().await
                && let Ok((stream, line)) = with_line(stream)
            {
                self.shared.with(|world| {
                    world.connections.retain(|line| line.strong_count() > 0);
                    world.connections.push(Arc::downgrade(&line.0));
                });
                return (stream, line);
            }
            tokio::task::yield_now().await;
        }
    }

    fn local_addr(&self) -> std::io::Result<Line> {
        Err(std::io::Error::other("the listener itself has no line"))
    }
}

impl Connected<IncomingStream<'_, Listening>> for Line {
    fn connect_info(stream: IncomingStream<'_, Listening>) -> Self {
        stream.remote_addr().clone()
    }
}

fn with_line(stream: TcpStream) -> std::io::Result<(TcpStream, Line)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let line = Line(Arc::new(stream.try_clone()?));
    Ok((TcpStream::from_std(stream)?, line))
}

async fn answer(
    State(shared): State<Shared>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let path = request.uri().path().replace("%3A", ":").replace("%3a", ":");
    if let Some(command) = path.strip_prefix("/_standin/") {
        return crate::control::serve(shared, command, request).await;
    }
    let token_and_rest = |prefix: &str| {
        let (token, rest) = path.strip_prefix(prefix)?.split_once('/')?;
        Some((token.to_owned(), rest.to_owned()))
    };
    if let Some((token, file)) = token_and_rest("/file/bot") {
        return if shared.look(|world| world.token == token) {
            download(&shared, &file)
        } else {
            refused(&Fail::new(401, "Unauthorized"))
        };
    }
    let Some((token, method)) = token_and_rest("/bot") else {
        return refused(&Fail::new(404, "Not Found"));
    };
    if shared.look(|world| world.token != token) {
        return refused(&Fail::new(401, "Unauthorized"));
    }
    call(&shared, &line, &method.to_ascii_lowercase(), request).await
}

fn download(shared: &Shared, path: &str) -> Response {
    let id = path.split('/').next().unwrap_or_default();
    let file = shared.look(|world| world.files.get(id).cloned());
    match file {
        Some(file) => {
            let kind = HeaderValue::from_str(&file.mime)
                .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
            ([(CONTENT_TYPE, kind)], file.bytes).into_response()
        }
        None => refused(&Fail::new(404, "Not Found")),
    }
}

async fn call(shared: &Shared, line: &Line, method: &str, request: Request) -> Response {
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(fail) => return refused(&fail),
    };
    let chat = params.int("chat_id");
    let (place, struck) = shared.with(|world| {
        world.calls.push(Call {
            method: method.to_owned(),
            chat,
            params: params.values.clone(),
            status: 0,
            at: world.started.elapsed(),
        });
        (world.calls.len() - 1, fault::strike(&mut world.faults, method, chat))
    });
    let response = match struck {
        None => respond(perform(shared, method, &params).await),
        Some(What::Refuse { code, description }) => refused(&Fail::new(code, &description)),
        Some(What::RetryAfter(seconds)) => {
            let until = Instant::now() + Duration::from_secs(u64::from(seconds));
            if let Some(chat) = chat {
                shared.with(|world| world.not_before.insert(chat, until));
            }
            refused(&Fail::retry_after(u64::from(seconds)))
        }
        Some(What::Gateway(code)) => gateway(code),
        Some(What::GatewayAfter(code)) => {
            // The caller never learns how it went.
            let _ = perform(shared, method, &params).await;
            gateway(code)
        }
        Some(What::Hang) => std::future::pending().await,
        Some(What::HangAfter) => {
            let _ = perform(shared, method, &params).await;
            std::future::pending().await
        }
        Some(What::Drop) => cut(line),
        Some(What::DropAfter) => {
            let _ = perform(shared, method, &params).await;
            cut(line)
        }
        Some(What::Garbage) => (StatusCode::OK, "<html>It works!</html>").into_response(),
        Some(What::Delay(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            respond(perform(shared, method, &params).await)
        }
    };
    if response.status() != UNANSWERED {
        shared.with(|world| world.calls[place].status = response.status().as_u16());
    }
    response
}

async fn perform(shared: &Shared, method: &str, params: &Params) -> Answer {
    if method == "getupdates" {
        return get_updates(shared, params).await;
    }
    let sends = method.starts_with("send") || method.starts_with("edit");
    shared.with(|world| {
        if let Some(until) = params.int("chat_id").and_then(|chat| world.not_before.get(&chat))
            && sends
        {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                world.violations += 1;
                return Err(Fail::retry_after(left.as_secs() + 1));
            }
        }
        carry_out(world, method, params)
    })
}

/// Confirms what `offset` says, then waits for updates. Of two pollers at once the older one is
/// turned away.
async fn get_updates(shared: &Shared, params: &Params) -> Answer {
    let conflict = |what: &str| Fail::new(409, &format!("Conflict: {what}"));
    let limit = usize::try_from(params.int("limit").unwrap_or(100).clamp(1, 100)).unwrap_or(100);
    let timeout = params.int("timeout").unwrap_or(0).clamp(0, MAX_POLL).unsigned_abs();
    let mine = shared.with(|world| {
        let updates = &mut world.updates;
        if updates.webhook.is_some() {
            return Err(conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            ));
        }
        if let Some(kinds) = params.json("allowed_updates") {
            updates.allow(&kinds);
        }
        updates.confirm(params.int("offset").unwrap_or(0));
        updates.poll += 1;
        Ok(updates.poll)
    })?;
    let waited = shared.wait(Duration::from_secs(timeout), |world| {
        let updates = &world.updates;
        if updates.webhook.is_some() {
            return Some(Err(conflict("terminated by setWebhook request")));
        }
        if updates.poll != mine {
            return Some(Err(conflict(
                "terminated by other getUpdates request; make sure that only one bot instance is running",
            )));
        }
        let first: Vec<Value> = updates.queue.iter().take(limit).map(|update| update.body.clone()).collect();
        (!first.is_empty()).then(|| Ok(json!(first)))
    });
    waited.await.unwrap_or_else(|| Ok(json!([])))
}

fn respond(answer: Answer) -> Response {
    match answer {
        Ok(result) => json_response(StatusCode::OK, &json!({"ok": true, "result": result})),
        Err(fail) => refused(&fail),
    }
}

pub(crate) fn refused(fail: &Fail) -> Response {
    let mut body = json!({"ok": false, "error_code": fail.code, "description": fail.description});
    if let Some(parameters) = &fail.parameters {
        body["parameters"] = parameters.clone();
    }
    json_response(StatusCode::from_u16(fail.code).unwrap_or(StatusCode::BAD_REQUEST), &body)
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn gateway(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, [(CONTENT_TYPE, "text/html")], format!("<html><h1>{status}</h1></html>")).into_response()
}

fn cut(line: &Line) -> Response {
    line.cut();
    UNANSWERED.into_response()
}
