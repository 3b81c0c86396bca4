//! Connects the Java plugin with core: turns request frames into calls of core, and results into response frames.
//! Does not know: rules of provisioning, SCIM, HTTP.
//!
//! One native method takes a request frame as `byte[]` and returns a response frame. This crate does not call Java
//! except to throw, and it must never end the virtual machine.

mod call;
mod frame;
mod jvm;
mod lines;
mod proxy;
mod sessions;
