//! A component that is sent: it goes to the disk as it comes, what belongs to it into memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body::Body;
use http_body_util::BodyExt;
use multer::{Constraints, Error, Field, Multipart, SizeLimit};
use switchyard_core::{
    folder::{COMPONENT_MAX, SIDE_MAX, SIGNATURE_MAX},
    problem::Code,
    units::ByteSize,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    admin::{Sources, reply::Problem},
    reload::{Received, Side, Upload},
};

/// Any error.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a client may pause within a body.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How long a client may take to send all of it.
const TIME_MAX: Duration = Duration::from_secs(600);

/// The most that is read at the same time: each takes the disk as much as a component may have.
const UPLOADS_MAX: usize = 4;

/// The most that stands around the parts of a form: boundaries and heads.
const AROUND_MAX: usize = 64 << 10;

/// The parts of a form.
const PARTS: [&str; 3] = ["component", "side", "signature"];

static PLACES: Semaphore = Semaphore::const_new(UPLOADS_MAX);

/// What a form brought.
#[derive(Default)]
struct Parts {
    component: Option<Received>,
    side: Option<String>,
    signature: Option<String>,
}

/// Reads a component, or a form with a component and what belongs to it; `side` is said of a side file that is not there.
///
/// # Errors
/// When it does not arrive, is too long, or is no such form.
pub(super) async fn read<B>(headers: &HeaderMap, body: B, side: Side, sources: &Sources) -> Result<Upload, Problem>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_form = kind.trim_start().to_ascii_lowercase().starts_with("multipart/");
    let until = Instant::now() + TIME_MAX;
    let read = async {
        // It is never closed.
        let _place = PLACES.acquire().await.ok();
        let unheld = Arc::new(AtomicUsize::new(0));
        let parts = unhurried(body, Arc::clone(&unheld));
        if is_form {
            form(kind, parts, &unheld, sources).await
        } else {
            let parts = parts.map(|part| {
                unheld.store(0, Relaxed);
                part.map_err(wrong)
            });
            let component = component(Box::pin(parts), sources).await?;
            Ok(Parts { component: Some(component), ..Parts::default() })
        }
    };
    let read = timeout_at(until, read).await.map_err(|_| late("the body did not arrive in time"))?;
    let Parts { component, side: text, signature } = read?;
    let component = component.ok_or_else(|| wrong("the form has no part 'component'"))?;
    let side = match (text, side) {
        (Some(_), Side::Drop) => return Err(wrong("side=none is said, and a side file is sent")),
        (Some(text), _) => Side::Text(text),
        (None, side) => side,
    };
    Ok(Upload { component, side, signature })
}

/// The parts of a body as they come. Whoever reads on until nothing is there reads one at a time, so that a body is never
/// piled up in memory; and gets an error when there is too much that nobody took over (counted in `unheld`).
fn unhurried<B>(body: B, unheld: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, BoxError>> + Send
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    let (mut body, mut is_pause) = (Box::pin(body.into_data_stream()), false);
    stream::poll_fn(move |cx| {
        if std::mem::take(&mut is_pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let part = std::task::ready!(body.poll_next_unpin(cx));
        is_pause = true;
        Poll::Ready(part.map(|part| {
            let part = part.map_err(Into::into)?;
            match unheld.fetch_add(part.len(), Relaxed) {
                0..=AROUND_MAX => Ok(part),
                _ => Err("there is too much around the parts of the form".into()),
            }
        }))
    })
}

async fn form<S>(kind: &str, parts: S, unheld: &AtomicUsize, sources: &Sources) -> Result<Parts, Problem>
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send,
{
    let boundary = multer::parse_boundary(kind).map_err(refused)?;
    let limits = SizeLimit::new()
        .for_field(PARTS[0], COMPONENT_MAX)
        .for_field(PARTS[1], SIDE_MAX)
        .for_field(PARTS[2], SIGNATURE_MAX);
    let constraints = Constraints::new().size_limit(limits).allowed_fields(PARTS.to_vec());
    let mut form = Multipart::with_constraints(parts, boundary, constraints);
    let mut found = Parts::default();
    while let Some(field) = in_time(form.next_field()).await?.map_err(refused)? {
        unheld.store(0, Relaxed);
        let name = field.name().unwrap_or_default().to_owned();
        let is_new = match name.as_str() {
            "component" => {
                found.component.replace(component(Box::pin(chunks(field, unheld)), sources).await?).is_none()
            }
            other => {
                // What a browser sends for a file that was not chosen.
                let is_blank = field.file_name() == Some("");
                let text = text(&name, field, unheld).await?;
                let place = if other == "side" { &mut found.side } else { &mut found.signature };
                (is_blank && text.is_empty()) || place.replace(text).is_none()
            }
        };
        if !is_new {
            return Err(wrong(format!("the part '{name}' is there twice")));
        }
    }
    Ok(found)
}

/// The content of a part of a form.
fn chunks(field: Field<'_>, unheld: &AtomicUsize) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    field.map(|chunk| {
        unheld.store(0, Relaxed);
        chunk.map_err(refused)
    })
}

/// Brings a component to the disk.
async fn component<S>(mut parts: S, sources: &Sources) -> Result<Received, Problem>
where
    S: Stream<Item = Result<Bytes, Problem>> + Send + Unpin,
{
    let unkept = |error| Problem::new(Code::StoreUnavailable, format!("the component cannot be kept: {error}"));
    let mut incoming = sources.plugins.incoming().map_err(unkept)?;
    while let Some(part) = in_time(parts.next()).await? {
        if !incoming.write(&part?).await.map_err(unkept)? {
            return Err(too_long(&format!("the component is longer than {}", ByteSize(COMPONENT_MAX))));
        }
    }
    if incoming.is_empty() {
        return Err(wrong("there is no component in the body"));
    }
    incoming.finish().await.map_err(unkept)
}

async fn text(name: &str, field: Field<'_>, unheld: &AtomicUsize) -> Result<String, Problem> {
    let (mut parts, mut bytes) = (Box::pin(chunks(field, unheld)), Vec::new());
    while let Some(part) = in_time(parts.next()).await? {
        bytes.extend_from_slice(&part?);
    }
    String::from_utf8(bytes).map_err(|_| wrong(format!("the part '{name}' is not UTF-8")))
}

async fn in_time<T>(part: impl Future<Output = T>) -> Result<T, Problem> {
    timeout(PAUSE_MAX, part).await.map_err(|_| late("the body did not go on in time"))
}

fn late(text: &str) -> Problem {
    Problem::new(Code::RequestTimeout, text)
}

fn too_long(text: &str) -> Problem {
    Problem::new(Code::PayloadTooLarge, text)
}

fn wrong(text: impl std::fmt::Display) -> Problem {
    Problem::new(Code::BadRequest, format!("the body is not as it should be: {text}"))
}

fn refused(error: Error) -> Problem {
    match error {
        Error::FieldSizeExceeded { limit, field_name } => {
            let name = field_name.unwrap_or_default();
            too_long(&format!("the part '{name}' is longer than {}", ByteSize(limit)))
        }
        Error::UnknownField { field_name } => {
            let (name, known) = (field_name.unwrap_or_default(), PARTS.join(", "));
            wrong(format!("unknown part '{name}'; here are known: {known}"))
        }
        Error::StreamReadFailed(error) => wrong(error),
        error => wrong(error),
    }
}
