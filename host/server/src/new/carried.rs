//! What the binary carries for new projects, by path; made by the build script.

include!(concat!(env!("OUT_DIR"), "/carried.rs"));
