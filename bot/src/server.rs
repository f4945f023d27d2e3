//! HTTP servers of this process: `/healthz` and its like, and what Telegram pushes.
//!
//! Whoever connects and says nothing, or one letter a minute, is not waited for for ever: the head of a
//! request has to come in time, and no more connections than a limit are open; others wait until one of
//! them ends.

use std::{future::Future, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What a server grants those who connect.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the head of a request, from the moment at which it could begin: a connection that is kept
    /// open between two requests ends after it too.
    pub head: Duration,
    pub connections: usize,
}

/// Proxies keep what they do not use for a minute, and lose a request that they send as it ends.
/// Telegram opens a hundred connections at most.
pub const LIMITS: Limits = Limits { head: Duration::from_secs(75), connections: 256 };

/// Serves until `stop` is ready, and then until what is under way is answered.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let stopping = watch::Sender::new(false);
    let mut open = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next() => {}
            (stream, _) = Listener::accept(&mut listener), if open.len() < limits.connections => {
                let service = TowerToHyperService::new(router.clone());
                let connection = http.serve_connection(TokioIo::new(stream), service);
                open.spawn(answer(connection, stopping.subscribe()));
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while open.join_next().await.is_some() {}
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

/// Answers what comes over one connection. How it ends concerns nobody.
async fn answer(connection: Connection, mut stopping: watch::Receiver<bool>) {
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::Notify,
        task::JoinHandle,
        time,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(30);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A server that answers `ok`; at `/slow` it tells that it has begun, and answers once it is let.
    struct Served {
        at: SocketAddr,
        stop: Arc<Notify>,
        begun: Arc<Notify>,
        let_go: Arc<Notify>,
        ended: JoinHandle<()>,
    }

    async fn served(limits: Limits) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, begun, let_go) =
            (Arc::<Notify>::default(), Arc::<Notify>::default(), Arc::<Notify>::default());
        let slow = {
            let (begun, let_go) = (Arc::clone(&begun), Arc::clone(&let_go));
            move || async move {
                begun.notify_one();
                let_go.notified().await;
                "ok"
            }
        };
        let router = Router::new().route("/", get(|| async { "ok" })).route("/slow", get(slow));
        let stopped = Arc::clone(&stop);
        let serving = async move { serve(listener, router, limits, stopped.notified()).await };
        Served { at, stop, begun, let_go, ended: tokio::spawn(serving) }
    }

    impl Served {
        async fn asks(&self, request: &[u8]) -> TcpStream {
            let mut connection = TcpStream::connect(self.at).await.unwrap();
            connection.write_all(request).await.unwrap();
            connection
        }
    }

    /// The status line, within [`LONG`].
    async fn status(connection: &mut TcpStream) -> String {
        let mut line = [0; 12];
        time::timeout(LONG, connection.read_exact(&mut line)).await.unwrap().unwrap();
        String::from_utf8(line.to_vec()).unwrap()
    }

    /// All that still comes, until the connection is closed.
    async fn rest(connection: &mut TcpStream) -> Vec<u8> {
        let mut rest = Vec::new();
        time::timeout(LONG, connection.read_to_end(&mut rest)).await.unwrap().unwrap();
        rest
    }

    #[tokio::test]
    async fn who_does_not_finish_the_head_of_a_request_is_not_waited_for() {
        let served = served(Limits { head: Duration::from_millis(50), connections: 8 }).await;
        for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
            assert!(!rest(&mut served.asks(begun).await).await.starts_with(b"HTTP/1.1 200"));
        }
        let mut kept = served.asks(REQUEST).await;
        assert_eq!(status(&mut kept).await, "HTTP/1.1 200");
        rest(&mut kept).await;
    }

    #[tokio::test]
    async fn more_connections_than_the_limit_wait_until_one_ends() {
        let served = served(Limits { head: LONG, connections: 2 }).await;
        let mut first = served.asks(REQUEST).await;
        let mut second = served.asks(REQUEST).await;
        assert_eq!(
            (status(&mut first).await, status(&mut second).await),
            ("HTTP/1.1 200".into(), "HTTP/1.1 200".into())
        );
        let mut third = served.asks(REQUEST).await;
        let unheard = time::timeout(Duration::from_millis(100), third.read_u8()).await;
        assert!(unheard.is_err(), "two are open");
        drop(first);
        assert_eq!(status(&mut third).await, "HTTP/1.1 200");
    }

    #[tokio::test]
    async fn what_is_under_way_is_answered_after_the_stop_and_nothing_new_is() {
        let served = served(Limits { head: LONG, connections: 8 }).await;
        let mut idle = served.asks(REQUEST).await;
        assert_eq!(status(&mut idle).await, "HTTP/1.1 200");
        let mut slow = served.asks(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        time::timeout(LONG, served.begun.notified()).await.unwrap();
        served.stop.notify_one();
        rest(&mut idle).await;
        assert!(TcpStream::connect(served.at).await.is_err(), "nobody listens");
        served.let_go.notify_one();
        assert_eq!(status(&mut slow).await, "HTTP/1.1 200");
        time::timeout(LONG, served.ended).await.unwrap().unwrap();
    }
}
