//! pfscim-bridge: the boundary between the Java plugin and the core, and nothing else.
//!
//! One native method carries one framed `byte[]` each way. This crate turns frames into calls of the core and answers
//! into frames; it may not know a rule of provisioning, SCIM or HTTP, never calls up into Java but to throw, and must
//! never end the virtual machine that it lives in.

mod call;
mod frame;
mod jvm;
mod lines;
mod proxy;
mod sessions;
