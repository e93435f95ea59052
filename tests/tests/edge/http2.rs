//! HTTP/2 on the plain listener: by a client library, and by frames that no library would send.

mod floods;
mod frames;
mod malformed;
mod streams;
mod wire;
