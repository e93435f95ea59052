//! `wasi:messaging@0.2.0-draft`: events by the standard ABI.
//!
//! A message's topic is an event's type, its content type is `datacontenttype`, and its metadata are the other
//! attributes by their CloudEvents names, in both directions. So a received message that is sent on as it is stays
//! the same event, and is stored once; one that is to be another loses its `id` first.

mod message;

use switchyard_core::event::{ATTRIBUTES_MAX, DATA_MAX};
use wasmtime::component::{HasSelf, Linker, Resource};

use super::platform::{origin, within};
use crate::{limiter::MessagesExceeded, ports::EventsError, state::GuestState};

use self::bindings::wasi::messaging::{producer, types};

pub(crate) use self::message::Message;

pub(crate) use self::bindings::{exports::wasi::messaging::incoming_handler, wasi::messaging::types::Error};

#[allow(missing_docs, reason = "generated; the WIT is documented")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package host:messaging;
            world messaging {
                import wasi:messaging/producer@0.2.0-draft;
                export wasi:messaging/incoming-handler@0.2.0-draft;
            }
        ",
        world: "host:messaging/messaging",
        imports: { "wasi:messaging/producer.send": async | trappable, default: trappable },
        exports: { default: async },
        with: {
            "wasi:messaging/types.client": super::Client,
            "wasi:messaging/types.message": super::message::Message,
        },
    });
}

pub(crate) const INTERFACES: [&str; 2] = ["wasi:messaging/types@0.2.0-draft", "wasi:messaging/producer@0.2.0-draft"];

/// The host as a message broker.
#[allow(unreachable_pub, reason = "the generated code names it as public")]
#[derive(Debug)]
pub struct Client {
    connected: bool,
}

pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    producer::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

// === impl Error ===

impl Error {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Timeout => "it timed out".to_owned(),
            Self::Connection(text) | Self::PermissionDenied(text) | Self::Other(text) => text,
        }
    }
}

impl From<EventsError> for Error {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Invalid(text) | EventsError::Rejected(text) => Self::Other(text),
            EventsError::Denied(text) => Self::PermissionDenied(text),
            EventsError::Unavailable(text) => Self::Connection(text),
        }
    }
}

// === impl GuestState ===

impl GuestState {
    /// Puts a message into the guest's reach.
    pub(crate) fn hold(&mut self, message: Message) -> wasmtime::Result<Resource<Message>> {
        self.messages.resize(0, message.bytes())?;
        Ok(self.table.push(message)?)
    }

    /// Takes a message out of the guest's reach.
    fn release(&mut self, message: Resource<Message>) -> wasmtime::Result<Message> {
        let message = self.table.delete(message)?;
        self.messages.resize(message.bytes(), 0)?;
        Ok(message)
    }

    fn change(&mut self, message: &Resource<Message>, change: impl FnOnce(&mut Message)) -> wasmtime::Result<()> {
        let message = self.table.get_mut(message)?;
        let before = message.bytes();
        change(message);
        self.messages.resize(before, message.bytes()).map_err(|exceeded: MessagesExceeded| exceeded.into())
    }
}

impl types::Host for GuestState {}

impl types::HostClient for GuestState {
    fn connect(&mut self, name: String) -> wasmtime::Result<Result<Resource<Client>, Error>> {
        if !matches!(name.as_str(), "" | "default") {
            let name = &name[..name.floor_char_boundary(64)];
            return Ok(Err(Error::Other(format!("there is no broker '{name}'; connect to 'default'"))));
        }
        Ok(Ok(self.table.push(Client { connected: true })?))
    }

    fn disconnect(&mut self, client: Resource<Client>) -> wasmtime::Result<Result<(), Error>> {
        self.table.get_mut(&client)?.connected = false;
        Ok(Ok(()))
    }

    fn drop(&mut self, client: Resource<Client>) -> wasmtime::Result<()> {
        self.table.delete(client)?;
        Ok(())
    }
}

impl types::HostMessage for GuestState {
    fn new(&mut self, data: Vec<u8>) -> wasmtime::Result<Resource<Message>> {
        self.hold(Message { data: data.into(), ..Message::default() })
    }

    fn topic(&mut self, message: Resource<Message>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&message)?.topic.clone())
    }

    fn content_type(&mut self, message: Resource<Message>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&message)?.content_type.clone())
    }

    fn set_content_type(&mut self, message: Resource<Message>, content_type: String) -> wasmtime::Result<()> {
        self.change(&message, |message| message.content_type = Some(content_type))
    }

    fn data(&mut self, message: Resource<Message>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(&message)?.data.to_vec())
    }

    fn set_data(&mut self, message: Resource<Message>, data: Vec<u8>) -> wasmtime::Result<()> {
        self.change(&message, |message| message.data = data.into())
    }

    fn metadata(&mut self, message: Resource<Message>) -> wasmtime::Result<Option<Vec<(String, String)>>> {
        let metadata = &self.table.get(&message)?.metadata;
        let pairs = || metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok((!metadata.is_empty()).then(pairs))
    }

    fn add_metadata(&mut self, message: Resource<Message>, key: String, value: String) -> wasmtime::Result<()> {
        self.change(&message, |message| drop(message.metadata.insert(key, value)))
    }

    fn set_metadata(&mut self, message: Resource<Message>, pairs: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.change(&message, |message| message.metadata = pairs.into_iter().collect())
    }

    fn remove_metadata(&mut self, message: Resource<Message>, key: String) -> wasmtime::Result<()> {
        self.change(&message, |message| drop(message.metadata.remove(&key)))
    }

    fn drop(&mut self, message: Resource<Message>) -> wasmtime::Result<()> {
        self.release(message)?;
        Ok(())
    }
}

impl producer::Host for GuestState {
    async fn send(
        &mut self,
        client: Resource<Client>,
        topic: String,
        message: Resource<Message>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let connected = self.table.get(&client)?.connected;
        let message = self.release(message)?;
        Ok(send(self, connected, topic, message).await)
    }
}

async fn send(state: &mut GuestState, connected: bool, topic: String, message: Message) -> Result<(), Error> {
    if !connected {
        return Err(Error::Connection("the client is disconnected; connect again".to_owned()));
    }
    let origin = origin(state).map_err(Error::Connection)?;
    within("data", message.data.len(), DATA_MAX).map_err(Error::Other)?;
    within("envelope", topic.len() + message.envelope_bytes(), ATTRIBUTES_MAX).map_err(Error::Other)?;
    let draft = message.into_draft(topic);
    state.shared.ports.events.clone().publish(origin, vec![draft]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{producer::Host as _, types::HostClient as _, types::HostMessage as _, *};
    use crate::{
        settings::MESSAGES_BYTES_MAX,
        testing::{Recorder, context, guest},
    };

    #[tokio::test]
    async fn a_message_is_published_from_within_a_call_by_a_connected_client() {
        let recorder: Arc<Recorder> = Arc::default();
        let mut store = guest(&recorder);
        let state = store.data_mut();
        assert!(state.connect("kafka".to_owned()).unwrap().is_err());
        let client = state.connect("default".to_owned()).unwrap().unwrap().rep();
        let borrowed = || Resource::new_borrow(client);
        let mut outcomes = Vec::new();
        for begun in [false, true] {
            if begun {
                state.begin(context(&[]));
            }
            let message = state.new(b"hello".to_vec()).unwrap();
            let sent = state.send(borrowed(), "a".to_owned(), message).await.unwrap();
            outcomes.push(sent.map_err(Error::into_text).is_ok());
        }
        state.disconnect(borrowed()).unwrap().unwrap();
        let message = state.new(b"late".to_vec()).unwrap();
        outcomes.push(state.send(borrowed(), "a".to_owned(), message).await.unwrap().is_ok());
        assert_eq!(outcomes, [false, true, false]);
        let published = recorder.published.lock().unwrap();
        assert_eq!((published.len(), published[0].1[0].data.as_deref()), (1, Some(&b"hello"[..])));
    }

    #[tokio::test]
    async fn what_messages_hold_is_bounded_and_given_back() {
        let mut store = guest(&Arc::default());
        let state = store.data_mut();
        let quarter = MESSAGES_BYTES_MAX / 4;
        for _ in 0..8 {
            let message = state.new(vec![0; quarter]).unwrap().rep();
            state.set_data(Resource::new_borrow(message), vec![0; 2 * quarter]).unwrap();
            state.add_metadata(Resource::new_borrow(message), "a".to_owned(), "b".to_owned()).unwrap();
            assert!(!state.messages.may_be_kept());
            types::HostMessage::drop(state, Resource::new_own(message)).unwrap();
            assert!(state.messages.may_be_kept());
        }
        let held: Vec<_> = (0..4).map(|_| state.new(vec![0; quarter]).map(|_| ())).collect();
        let error = held.into_iter().find_map(Result::err).unwrap();
        assert!(error.is::<MessagesExceeded>());
    }
}
