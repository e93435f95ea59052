//! A host without services whose subscriptions post to a server of the test's own.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use switchyard_core::{event::Draft, manifest::SubscriptionSpec};
use switchyard_delivery::{
    Config, Delivery, Publisher, SubscriptionView,
    config::{ConfiguredSubscription, Endpoint},
};
use switchyard_dispatch::Dispatcher;
use switchyard_store::{Backend, Embedded, Options};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long anything may take; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What came in: headers and body.
pub(crate) type Got = (HeaderMap, Value);

/// Answers a status to what came in, and may say when to come back.
pub(crate) type Answer = dyn Fn(&Got) -> (u16, Option<&'static str>) + Send + Sync;

/// A server that keeps what is posted to it.
pub(crate) struct Sink {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

/// A host on a folder.
pub(crate) struct Host {
    pub(crate) delivery: Arc<Delivery>,
    store: Arc<dyn Backend>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Sink {
    pub(crate) async fn start(answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (got, answer): (Arc<Mutex<Vec<Got>>>, Arc<Answer>) = (Arc::default(), answer.into());
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let got = (parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null));
                        let (status, after) = answer(&got);
                        kept.lock().unwrap().push(got);
                        let mut response = Response::builder().status(status);
                        if let Some(after) = after {
                            response = response.header("retry-after", after);
                        }
                        Ok::<_, Infallible>(response.body(Full::<bytes::Bytes>::default()).unwrap())
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, got }
    }

    /// One that takes everything.
    pub(crate) async fn glad() -> Self {
        Self::start(Box::new(|_| (204, None))).await
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The data of what came in, once there are so many.
    pub(crate) async fn data(&self, count: usize) -> Vec<Value> {
        eventually(|| self.got().len() >= count).await;
        self.got().into_iter().map(|(_, data)| data).collect()
    }
}

impl Host {
    pub(crate) fn start(folder: &std::path::Path, config: Config) -> Self {
        let store: Arc<dyn Backend> = Arc::new(Embedded::open(Options::new(folder)).unwrap());
        let delivery = Delivery::new(Arc::clone(&store), Dispatcher::new(), config);
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&delivery).run(stop.clone(), PATIENCE));
        Self { delivery, store, stop, running }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        self.store.close().await.unwrap();
    }

    pub(crate) async fn publish(&self, topic: &str, data: &Value) -> u64 {
        self.publish_keyed(topic, None, data).await
    }

    pub(crate) async fn publish_keyed(&self, topic: &str, key: Option<&str>, data: &Value) -> u64 {
        let draft = Draft {
            topic: topic.to_owned(),
            partitionkey: key.map(str::to_owned),
            data: Some(data.to_string().into()),
            ..Draft::default()
        };
        self.delivery.publish(Publisher::operator("/test"), vec![draft]).await.unwrap()[0].sequence
    }

    pub(crate) async fn subscribe(&self, sink: &Sink, spec: &str) -> SubscriptionView {
        self.delivery.subscribe(wish(sink, spec)).await.unwrap()
    }

    pub(crate) async fn view(&self, name: &str) -> SubscriptionView {
        self.try_view(name).await.expect("it is there")
    }

    /// None while the host has not come to it yet.
    pub(crate) async fn try_view(&self, name: &str) -> Option<SubscriptionView> {
        let all = self.delivery.subscriptions().await.unwrap();
        all.into_iter().find(|view| view.name == name)
    }
}

pub(crate) fn wish(sink: &Sink, spec: &str) -> ConfiguredSubscription {
    let spec: SubscriptionSpec = serde_json::from_str(spec).unwrap();
    ConfiguredSubscription { spec, endpoint: Endpoint::Url(sink.url.clone()) }
}

/// Waits until something holds.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    let all = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("it never came to hold");
}
