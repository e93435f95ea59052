//! One server, and the connections to it.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use http::{HeaderValue, Request, Response, StatusCode};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use switchyard_core::upstream::{Origin, Scheme};
use switchyard_runtime::Body;
use tokio::time::{Instant, timeout_at};

use super::{
    arriving,
    connect::{Connected, Connector},
    failure::{Failed, Failure},
    head,
    http2::{Http2, StreamGuard},
    link::{self, Link},
    pool::{Place, Pool},
    tls::Tls,
};
use crate::{outgoing::chain, upload::Upload};

/// The server.
pub(super) struct Server {
    connector: Connector,
    /// What it is called as by those who name no other host.
    authority: HeaderValue,
    pool: Arc<Pool>,
    http2: Http2,
    /// Whether the latest connection is one of HTTP/2.
    speaks_http2: AtomicBool,
}

/// Has to be kept for as long as what came of an upgrade is in use, which counts as a call under way until then. It is
/// among the extensions of an answer that switches protocols.
#[derive(Clone)]
pub struct Upgraded {
    _guards: Arc<dyn Any + Send + Sync>,
}

/// A connection that takes a request now.
enum Way {
    Http1 {
        link: Link,
        place: Place,
        /// Whether it is not new.
        has_waited: bool,
    },
    Http2(SendRequest<Body>, StreamGuard),
}

type Answer = Result<Response<Body>, Box<Failed>>;

// === impl Server ===

impl Server {
    pub(super) fn new(origin: Origin, tls: Option<Tls>, connections_max: usize) -> Self {
        let authority = match origin.port {
            port if port == origin.scheme.default_port() => without_port(&origin),
            _ => origin.authority(),
        };
        Self {
            speaks_http2: AtomicBool::new(origin.scheme == Scheme::H2c),
            connector: Connector::new(origin, tls),
            // A host was checked to consist of letters, digits and few signs.
            authority: HeaderValue::try_from(authority).unwrap_or_else(|_| HeaderValue::from_static("localhost")),
            pool: Pool::new(connections_max),
            http2: Http2::default(),
        }
    }

    /// Sends a request, and answers with the head of its response by the deadline.
    pub(super) async fn send(&self, request: Request<Body>, upload: Option<&Upload>, deadline: Instant) -> Answer {
        match timeout_at(deadline, self.send_at_last(request, upload, deadline)).await {
            Ok(Ok(mut response)) => {
                head::clean(&mut response);
                Ok(response)
            }
            Ok(Err(failed)) => Err(failed),
            Err(_) => {
                let excuse = upload.and_then(|upload| upload.excuse(true));
                Err(Failed::of(excuse.map_or(Failure::TimedOut, Failure::Upload)))
            }
        }
    }

    async fn send_at_last(&self, mut request: Request<Body>, upload: Option<&Upload>, deadline: Instant) -> Answer {
        if self.connector.origin.scheme != Scheme::H2c && head::is_upgrade(&request) {
            return Box::pin(self.upgrade(request, deadline)).await;
        }
        loop {
            match self.way(deadline).await {
                Ok(Way::Http1 { link, place, has_waited }) => {
                    head::for_http1(&mut request, &self.authority);
                    match link.send(request).await {
                        Ok((response, link)) => {
                            head::check(&response).map_err(|why| Failed::of(Failure::Broken(why.to_owned())))?;
                            return Ok(receive(response, link, place, upload));
                        }
                        Err(mut error) => match error.take_message() {
                            // It was closed while it waited, and nobody could have known.
                            Some(unsent) if has_waited => request = unsent,
                            unsent => return Err(failed(&error.into_error(), unsent, upload)),
                        },
                    }
                }
                Ok(Way::Http2(mut sender, guard)) => {
                    head::for_http2(&mut request, &self.authority, self.connector.origin.scheme == Scheme::Https);
                    return match sender.try_send_request(request).await {
                        Ok(response) => Ok(response.map(|body| Body::stream(body).with_guard(guard))),
                        Err(mut error) => {
                            let unsent = error.take_message();
                            Err(failed(&error.into_error(), unsent, upload))
                        }
                    };
                }
                Err(why) => return Err(Failed::unsent(why, request)),
            }
        }
    }

    /// A connection that takes a request now.
    async fn way(&self, deadline: Instant) -> Result<Way, Failure> {
        if self.speaks_http2.load(Relaxed) {
            return Box::pin(self.shared_way(deadline)).await;
        }
        let place = self.pool.enter(deadline).await.ok_or(Failure::Busy)?;
        match place.take() {
            Some(link) => Ok(Way::Http1 { link, place, has_waited: true }),
            None => Box::pin(self.new_way(Some(place), deadline)).await,
        }
    }

    async fn shared_way(&self, deadline: Instant) -> Result<Way, Failure> {
        if let Some((sender, guard)) = self.http2.take() {
            return Ok(Way::Http2(sender, guard));
        }
        let _opening = self.http2.opening.lock().await;
        match self.http2.take() {
            Some((sender, guard)) => Ok(Way::Http2(sender, guard)),
            None => self.new_way(None, deadline).await,
        }
    }

    /// A new connection, of whichever protocol the server has for it.
    async fn new_way(&self, place: Option<Place>, deadline: Instant) -> Result<Way, Failure> {
        let unreachable = |error: hyper::Error| Failure::Unreachable(chain(&error));
        let connected = self.connector.connect(false).await.map_err(Failure::Unreachable)?;
        self.speaks_http2.store(matches!(connected, Connected::Http2(_)), Relaxed);
        match connected {
            Connected::Http1(stream) => {
                let place = match place {
                    Some(place) => place,
                    None => self.pool.enter(deadline).await.ok_or(Failure::Busy)?,
                };
                let link = Link::open(stream).await.map_err(unreachable)?;
                Ok(Way::Http1 { link, place, has_waited: false })
            }
            Connected::Http2(stream) => {
                let (sender, guard) = self.http2.open(stream).await.map_err(unreachable)?;
                Ok(Way::Http2(sender, guard))
            }
        }
    }

    /// Sends a request that asks for another protocol, over a connection of its own.
    async fn upgrade(&self, mut request: Request<Body>, deadline: Instant) -> Answer {
        let Some(place) = self.pool.enter(deadline).await else {
            return Err(Failed::unsent(Failure::Busy, request));
        };
        let stream = match self.connector.connect(true).await {
            Ok(Connected::Http1(stream)) => stream,
            Ok(Connected::Http2(_)) => {
                let why = "it speaks HTTP/2 only, which has no upgrades".to_owned();
                return Err(Failed::unsent(Failure::Unreachable(why), request));
            }
            Err(why) => return Err(Failed::unsent(Failure::Unreachable(why), request)),
        };
        head::for_http1(&mut request, &self.authority);
        let mut response = link::send_upgrade(stream, request).await.map_err(|error| failed(&error, None, None))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response.map(|body| Body::stream(body).with_guard(place)));
        }
        response.extensions_mut().insert(Upgraded { _guards: Arc::new(place) });
        Ok(response.map(|_| Body::empty()))
    }
}

fn receive(response: Response<Incoming>, link: Link, place: Place, upload: Option<&Upload>) -> Response<Body> {
    if upload.is_none_or(Upload::has_ended) {
        return response.map(|incoming| arriving::receive(incoming, link, place));
    }
    link.detach(place);
    response.map(Body::stream)
}

fn failed(error: &hyper::Error, unsent: Option<Request<Body>>, upload: Option<&Upload>) -> Box<Failed> {
    let why = match upload.and_then(|upload| upload.excuse(false)) {
        Some(error) => Failure::Upload(error),
        None => Failure::Broken(chain(error)),
    };
    match unsent {
        Some(request) => Failed::unsent(why, request),
        None => Failed::of(why),
    }
}

fn without_port(origin: &Origin) -> String {
    let authority = origin.authority();
    authority.rsplit_once(':').map_or(authority.clone(), |(host, _)| host.to_owned())
}

// === impl Upgraded ===

impl Upgraded {
    /// The same, with something more that is kept.
    #[must_use]
    pub(crate) fn with(self, guard: impl Send + Sync + 'static) -> Self {
        Self { _guards: Arc::new((self, guard)) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn get(server: &Server, within: Duration) -> Result<Response<Body>, Failure> {
        let request = Request::get("/").body(Body::empty()).unwrap();
        server.send(request, None, Instant::now() + within).await.map_err(|failed| failed.why)
    }

    #[tokio::test]
    async fn requests_beyond_the_connections_wait_and_then_are_too_many() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = listener.local_addr().unwrap().to_string().parse().unwrap();
        let (came, mut told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                assert!(stream.read(&mut head).await.unwrap() > 0);
                came.send(stream).unwrap();
            }
        });
        let server = Arc::new(Server::new(origin, None, 2));
        let calls = [(); 2].map(|()| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { get(&server, PATIENCE).await })
        });
        let mut first = told.recv().await.unwrap();
        let _second = told.recv().await.unwrap();
        assert!(matches!(get(&server, Duration::from_millis(20)).await, Err(Failure::Busy)));
        let (waiting, ()) = futures_util::future::join(get(&server, PATIENCE), async {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            first.write_all(answer).await.unwrap();
            let mut head = [0; 1024];
            assert!(first.read(&mut head).await.unwrap() > 0, "the connection is used again");
            first.write_all(answer).await.unwrap();
        })
        .await;
        assert!(waiting.is_ok());
        calls.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
