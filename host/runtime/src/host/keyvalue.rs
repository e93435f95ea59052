//! `wasi:keyvalue` in both of its drafts: store, atomics, batch.
//!
//! Each service has one bucket, its own, under `""` and `"default"`; another name is `no-such-store`, unless the service
//! has a grant for it. A read of a committed value in memory never waits; a write is answered when it is durable.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{
    StoreContextMut,
    component::{ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType},
};

use crate::{
    ports::{Expect, KeyValue, KvEntry, KvError, KvWrite},
    settings::{Access, BATCH_BYTES_MAX},
    state::GuestState,
};

/// The older draft: numeric cursors, unsigned counters, no compare-and-set.
const DRAFT: &str = "0.2.0-draft";
/// The newer draft.
const DRAFT2: &str = "0.2.0-draft2";

/// The most keys of one `batch` call.
const BATCH_MAX: usize = 1_000;

pub(crate) const INTERFACES: [&str; 6] = [
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:keyvalue/batch@0.2.0-draft",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
];

/// An open bucket.
#[derive(Clone)]
struct Bucket {
    name: Arc<str>,
    access: Access,
}

/// A handle of compare-and-set: the value as it was seen.
struct Cas {
    bucket: Bucket,
    key: String,
    seen: Option<KvEntry>,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    Store(Error),
    #[component(name = "cas-failed")]
    Failed(Resource<Cas>),
}

/// A page of keys; the type of the cursor is what the drafts differ in.
#[derive(ComponentType, Lower)]
#[component(record)]
struct KeyResponse<C> {
    keys: Vec<String>,
    cursor: Option<C>,
}

type Store<'a> = StoreContextMut<'a, GuestState>;
type Port = Arc<dyn KeyValue>;
type Answer<T> = wasmtime::Result<(Result<T, Error>,)>;

pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    for version in [DRAFT, DRAFT2] {
        add_store(&mut linker.instance(&format!("wasi:keyvalue/store@{version}"))?)?;
        add_batch_writes(&mut linker.instance(&format!("wasi:keyvalue/batch@{version}"))?)?;
    }
    add_draft(linker)?;
    add_draft2(linker)
}

/// What both drafts have alike in `store`.
fn add_store(store: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    store.resource("bucket", ResourceType::host::<Bucket>(), |mut store, rep| {
        store.data_mut().table.delete(Resource::<Bucket>::new_own(rep))?;
        Ok(())
    })?;
    store.func_wrap("open", |mut store: Store<'_>, (name,): (String,)| {
        let state = store.data_mut();
        let Some((name, access)) = state.shared.bucket(&name) else { return Ok((Err(Error::NoSuchStore),)) };
        Ok((Ok(state.table.push(Bucket { name, access })?),))
    })?;
    store.func_wrap_async("[method]bucket.get", |store: Store<'_>, (bucket, key): (Resource<Bucket>, String)| {
        Box::new(async move {
            let (port, bucket) = open(&store, &bucket)?;
            let entry = get(&port, &bucket, &key).await;
            Ok((entry.map(|entry| entry.map(|entry| entry.value.to_vec())),)) as Answer<Option<Vec<u8>>>
        })
    })?;
    store.func_wrap_async("[method]bucket.exists", |store: Store<'_>, (bucket, key): (Resource<Bucket>, String)| {
        Box::new(async move {
            let (port, bucket) = open(&store, &bucket)?;
            Ok((get(&port, &bucket, &key).await.map(|entry| entry.is_some()),)) as Answer<bool>
        })
    })?;
    store.func_wrap_async(
        "[method]bucket.set",
        |store: Store<'_>, (bucket, key, value): (Resource<Bucket>, String, Vec<u8>)| {
            Box::new(async move { write(&store, &bucket, vec![set(key, value, Expect::Any)])?.await })
        },
    )?;
    store.func_wrap_async("[method]bucket.delete", |store: Store<'_>, (bucket, key): (Resource<Bucket>, String)| {
        Box::new(async move { write(&store, &bucket, vec![KvWrite::Delete { key }])?.await })
    })
}

/// What both drafts have alike in `batch`.
fn add_batch_writes(batch: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    type Pairs = Vec<(String, Vec<u8>)>;
    batch.func_wrap_async("set-many", |store: Store<'_>, (bucket, pairs): (Resource<Bucket>, Pairs)| {
        Box::new(async move {
            let writes = pairs.into_iter().map(|(key, value)| set(key, value, Expect::Any)).collect();
            write(&store, &bucket, writes)?.await
        })
    })?;
    batch.func_wrap_async("delete-many", |store: Store<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
        Box::new(async move {
            let writes = keys.into_iter().map(|key| KvWrite::Delete { key }).collect();
            write(&store, &bucket, writes)?.await
        })
    })
}

fn add_draft(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance("wasi:keyvalue/store@0.2.0-draft")?.func_wrap_async(
        "[method]bucket.list-keys",
        |store: Store<'_>, (bucket, cursor): (Resource<Bucket>, Option<u64>)| {
            Box::new(async move {
                let (port, bucket) = open(&store, &bucket)?;
                Ok((list_by_number(&port, &bucket, cursor.unwrap_or(0)).await,)) as Answer<KeyResponse<u64>>
            })
        },
    )?;
    linker.instance("wasi:keyvalue/atomics@0.2.0-draft")?.func_wrap_async(
        "increment",
        |store: Store<'_>, (bucket, key, delta): (Resource<Bucket>, String, u64)| {
            Box::new(async move {
                let Ok(delta) = i64::try_from(delta) else {
                    return Ok((Err(Error::Other("the delta is over 2^63 - 1".into())),)) as Answer<u64>;
                };
                let sum = increment(&store, &bucket, key, delta)?.await;
                let unsigned = |sum| u64::try_from(sum).map_err(|_| Error::Other("the value is negative".into()));
                Ok((sum.and_then(unsigned),))
            })
        },
    )?;
    linker.instance("wasi:keyvalue/batch@0.2.0-draft")?.func_wrap_async(
        "get-many",
        |store: Store<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
            Box::new(async move {
                let found = get_many(&store, &bucket, keys)?.await;
                let shape = |found: Vec<(String, Option<Vec<u8>>)>| {
                    found.into_iter().map(|(key, value)| value.map(|value| (key, value))).collect()
                };
                Ok((found.map(shape),)) as Answer<Vec<Option<(String, Vec<u8>)>>>
            })
        },
    )
}

fn add_draft2(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance("wasi:keyvalue/store@0.2.0-draft2")?.func_wrap_async(
        "[method]bucket.list-keys",
        |store: Store<'_>, (bucket, cursor): (Resource<Bucket>, Option<String>)| {
            Box::new(async move {
                let (port, bucket) = open(&store, &bucket)?;
                let page = port.list(&bucket, cursor.as_deref()).await.map_err(Error::from);
                Ok((page.map(|(keys, cursor)| KeyResponse { keys, cursor }),)) as Answer<KeyResponse<String>>
            })
        },
    )?;
    linker.instance("wasi:keyvalue/batch@0.2.0-draft2")?.func_wrap_async(
        "get-many",
        |store: Store<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
            Box::new(
                async move { Ok((get_many(&store, &bucket, keys)?.await,)) as Answer<Vec<(String, Option<Vec<u8>>)>> },
            )
        },
    )?;
    let mut atomics = linker.instance("wasi:keyvalue/atomics@0.2.0-draft2")?;
    atomics.resource("cas", ResourceType::host::<Cas>(), |mut store, rep| {
        store.data_mut().table.delete(Resource::<Cas>::new_own(rep))?;
        Ok(())
    })?;
    atomics.func_wrap_async(
        "increment",
        |store: Store<'_>, (bucket, key, delta): (Resource<Bucket>, String, i64)| {
            Box::new(async move { Ok((increment(&store, &bucket, key, delta)?.await,)) as Answer<i64> })
        },
    )?;
    atomics.func_wrap_async("[static]cas.new", |mut store: Store<'_>, (bucket, key): (Resource<Bucket>, String)| {
        Box::new(async move {
            let (port, bucket) = (port(&store), bucket_of(&store, &bucket)?);
            Ok((match get(&port, &bucket.name, &key).await {
                Ok(seen) => Ok(store.data_mut().table.push(Cas { bucket, key, seen })?),
                Err(error) => Err(error),
            },)) as Answer<Resource<Cas>>
        })
    })?;
    atomics.func_wrap("[method]cas.current", |store: Store<'_>, (cas,): (Resource<Cas>,)| {
        let cas = store.data().table.get(&cas)?;
        Ok((Ok::<_, Error>(cas.seen.as_ref().map(|entry| entry.value.to_vec())),))
    })?;
    atomics.func_wrap_async("swap", |store: Store<'_>, (cas, value): (Resource<Cas>, Vec<u8>)| {
        Box::new(async move { swap(store, cas, value).await })
    })
}

/// Sets the value if it is still what the handle saw; else hands back a handle that has seen the newer one.
async fn swap(mut store: Store<'_>, cas: Resource<Cas>, value: Vec<u8>) -> wasmtime::Result<(Result<(), CasError>,)> {
    let Cas { bucket, key, seen } = store.data_mut().table.delete(cas)?;
    if bucket.access < Access::Write {
        return Ok((Err(CasError::Store(Error::AccessDenied)),));
    }
    let port = port(&store);
    let expect = seen.map_or(Expect::Absent, |entry| Expect::Revision(entry.revision));
    match port.write(&bucket.name, vec![set(key.clone(), value, expect)]).await {
        Ok(()) => return Ok((Ok(()),)),
        Err(KvError::Conflict) => {}
        Err(error) => return Ok((Err(CasError::Store(error.into())),)),
    }
    match get(&port, &bucket.name, &key).await {
        Ok(seen) => {
            let again = store.data_mut().table.push(Cas { bucket, key, seen })?;
            Ok((Err(CasError::Failed(again)),))
        }
        Err(error) => Ok((Err(CasError::Store(error)),)),
    }
}

// === helpers ===

fn port(store: &Store<'_>) -> Port {
    store.data().shared.ports.key_value.clone()
}

fn bucket_of(store: &Store<'_>, bucket: &Resource<Bucket>) -> wasmtime::Result<Bucket> {
    Ok(store.data().table.get(bucket)?.clone())
}

/// For looking.
fn open(store: &Store<'_>, bucket: &Resource<Bucket>) -> wasmtime::Result<(Port, Arc<str>)> {
    Ok((port(store), store.data().table.get(bucket)?.name.clone()))
}

/// For changing.
fn open_to_write(store: &Store<'_>, bucket: &Resource<Bucket>) -> wasmtime::Result<Result<(Port, Arc<str>), Error>> {
    let Bucket { name, access } = bucket_of(store, bucket)?;
    Ok(if access < Access::Write { Err(Error::AccessDenied) } else { Ok((port(store), name)) })
}

fn set(key: String, value: Vec<u8>, expect: Expect) -> KvWrite {
    KvWrite::Set { key, value: Bytes::from(value), expect }
}

async fn get(port: &Port, bucket: &str, key: &str) -> Result<Option<KvEntry>, Error> {
    match port.cached(bucket, key) {
        Some(known) => Ok(known),
        None => Ok(port.get(bucket, key).await?),
    }
}

fn write(
    store: &Store<'_>,
    bucket: &Resource<Bucket>,
    writes: Vec<KvWrite>,
) -> wasmtime::Result<impl Future<Output = Answer<()>> + use<>> {
    let opened = open_to_write(store, bucket)?;
    Ok(async move {
        let (port, bucket) = match opened {
            Ok(opened) => opened,
            Err(denied) => return Ok((Err(denied),)),
        };
        if writes.len() > BATCH_MAX {
            return Ok((Err(too_many()),));
        }
        Ok((port.write(&bucket, writes).await.map_err(Error::from),))
    })
}

fn increment(
    store: &Store<'_>,
    bucket: &Resource<Bucket>,
    key: String,
    delta: i64,
) -> wasmtime::Result<impl Future<Output = Result<i64, Error>> + use<>> {
    let opened = open_to_write(store, bucket)?;
    Ok(async move {
        let (port, bucket) = opened?;
        Ok(port.increment(&bucket, &key, delta).await?)
    })
}

type Found = Vec<(String, Option<Vec<u8>>)>;

fn get_many(
    store: &Store<'_>,
    bucket: &Resource<Bucket>,
    keys: Vec<String>,
) -> wasmtime::Result<impl Future<Output = Result<Found, Error>> + use<>> {
    let (port, bucket) = open(store, bucket)?;
    Ok(async move {
        if keys.len() > BATCH_MAX {
            return Err(too_many());
        }
        let mut found = Vec::with_capacity(keys.len());
        let mut bytes = 0;
        for key in keys {
            let entry = get(&port, &bucket, &key).await?;
            // Keys may repeat, so their number alone bounds nothing.
            bytes += key.len() + entry.as_ref().map_or(0, |entry| entry.value.len());
            if bytes > BATCH_BYTES_MAX {
                return Err(Error::Other(format!("the values are over {BATCH_BYTES_MAX} bytes; ask for fewer keys")));
            }
            found.push((key, entry.map(|entry| entry.value.to_vec())));
        }
        Ok(found)
    })
}

fn too_many() -> Error {
    Error::Other(format!("a batch may hold {BATCH_MAX} keys at most"))
}

/// The older draft's cursor is a number, so it counts keys from the start: good for small buckets, which is why
/// the newer draft changed it.
async fn list_by_number(port: &Port, bucket: &str, skip: u64) -> Result<KeyResponse<u64>, Error> {
    let mut seen = 0;
    let mut cursor: Option<String> = None;
    loop {
        let (mut keys, next) = port.list(bucket, cursor.as_deref()).await?;
        let here = keys.len() as u64;
        if seen + here > skip || next.is_none() {
            keys.drain(..usize::try_from(skip.saturating_sub(seen)).unwrap_or(usize::MAX).min(keys.len()));
            return Ok(KeyResponse { keys, cursor: next.map(|_| seen + here) });
        }
        seen += here;
        cursor = next;
    }
}

impl From<KvError> for Error {
    fn from(error: KvError) -> Self {
        Self::Other(error.to_string())
    }
}
