//! Futures together, and futures alone.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::host;

/// Waits for both, which run at the same time.
///
/// ```
/// use switchyard_sdk::{asynchronous, http, testing};
///
/// testing::service("users", || "ann");
/// testing::service("stock", || "12");
/// let user = http::service("users").get("/7").send_async();
/// let stock = http::service("stock").get("/p1").send_async();
/// let (user, stock) = asynchronous::block_on(asynchronous::join(user, stock));
/// assert_eq!((user?.text(), stock?.text()), ("ann".to_owned(), "12".to_owned()));
/// # Ok::<(), http::Error>(())
/// ```
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(output) = a.as_mut().poll(context)
        {
            first = Some(output);
        }
        if second.is_none()
            && let Poll::Ready(output) = b.as_mut().poll(context)
        {
            second = Some(output);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits for all, which run at the same time; answers in their order.
///
/// ```
/// use switchyard_sdk::{Request, asynchronous, http, testing};
///
/// testing::service("users", |request: &Request| request.path().to_owned());
/// let calls = (1..4).map(|id| http::service("users").get(format!("/{id}")).send_async());
/// let answers = asynchronous::block_on(asynchronous::join_all(calls));
/// let names: Vec<String> = answers.into_iter().map(|answer| Ok(answer?.text())).collect::<Result<_, http::Error>>()?;
/// assert_eq!(names, ["/1", "/2", "/3"]);
/// # Ok::<(), http::Error>(())
/// ```
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_ready = true;
        for (future, output) in futures.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *output = Some(value),
                Poll::Pending => is_ready = false,
            }
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Waits this long, while others of this instance go on. Natively no time is spent, the host's clock is put ahead.
pub async fn sleep(duration: Duration) {
    host::sleep(duration).await;
}

/// Runs a future to its end on this thread; for tests.
#[cfg(not(target_arch = "wasm32"))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    use std::sync::Arc;
    use std::task::{Context, Wake};

    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
