//! Exports the native method, and turns an error or a panic into an `org.pfscim.connector.NativeException`.
//! Does not know: operations, sessions.
//!
//! This is the only file that calls the virtual machine.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::Path;
use std::sync::Once;

use jni::errors::ErrorPolicy;
use jni::objects::{JByteArray, JClass};
use jni::refs::LoaderContext;
use jni::strings::JNIString;
use jni::{Env, EnvUnowned, jni_str};
use pfscim_core::text::excerpt;

use crate::call::{self, CallError};

/// Implements `static native byte[] call(byte[] frame)` of `org.pfscim.connector.NativeConnector`.
///
/// The virtual machine finds the symbol by its name. A registration could outlive the class loader that it was made
/// for.
#[expect(unsafe_code, reason = "the virtual machine finds the method by this exported name; no code in it is unsafe")]
#[unsafe(no_mangle)]
pub(crate) extern "system" fn Java_org_pfscim_connector_NativeConnector_call<'local>(
    mut env: EnvUnowned<'local>,
    class: JClass<'local>,
    frame: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| -> Result<JByteArray<'local>, CallError> {
        install_panic_hook();
        let request = env.convert_byte_array(&frame)?;
        Ok(env.byte_array_from_slice(&call::handle(&request)?)?)
    })
    .resolve_with::<ThrowNativeException, _>(|| &class)
}

/// Turns an error or a panic into a `NativeException`.
struct ThrowNativeException;

impl<T: Default> ErrorPolicy<T, CallError> for ThrowNativeException {
    type Captures<'local: 'method, 'method> = &'method JClass<'local>;

    fn on_error<'local: 'method, 'method>(
        env: &mut Env<'local>,
        class: &mut Self::Captures<'local, 'method>,
        error: CallError,
    ) -> jni::errors::Result<T> {
        throw(env, class, &error.to_string());
        Ok(T::default())
    }

    fn on_panic<'local: 'method, 'method>(
        env: &mut Env<'local>,
        class: &mut Self::Captures<'local, 'method>,
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        throw(env, class, &format!("panic: {}", panic_message(payload.as_ref())));
        drop_payload(payload);
        Ok(T::default())
    }
}

/// Throws a `NativeException`, unless an exception is already pending.
///
/// The class loader of the connector loads the class, because the thread's context loader may not find it. If that
/// fails, throws a `RuntimeException`, so that the message is not lost.
fn throw(env: &mut Env<'_>, class: &JClass<'_>, message: &str) {
    if env.exception_check() {
        return;
    }
    let exception = class.get_class_loader(env).and_then(|loader| {
        LoaderContext::Loader(&loader).load_class(env, jni_str!("org.pfscim.connector.NativeException"), true)
    });
    // `Err` here means that the exception is pending, which is the purpose.
    let _ = match exception {
        Ok(exception) => env.throw_new(&exception, JNIString::new(message)),
        Err(_) => {
            env.exception_clear();
            env.throw(message)
        }
    };
}

thread_local! {
    /// The location of the last panic of this thread: `file.rs:line`.
    static PANIC_LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the default panic hook, which would write to the server's standard error. The new hook records the location
/// for the message of the exception. It belongs to this library only, not to other native code of the server.
fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| panic::set_hook(Box::new(record_location)));
}

fn record_location(info: &PanicHookInfo<'_>) {
    let location = info.location().map(|location| {
        let file = Path::new(location.file()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{file}:{}", location.line())
    });
    PANIC_LOCATION.with(|p| {
        if let Ok(mut p) = p.try_borrow_mut() {
            *p = location;
        }
    });
}

/// Returns the message of a panic, on one line, and its location.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    match PANIC_LOCATION.with(|p| p.try_borrow_mut().ok().and_then(|mut p| p.take())) {
        Some(location) => format!("{} ({location})", excerpt(text)),
        None => excerpt(text),
    }
}

/// Drops the payload of a panic. If that panics too, leaks the second payload, so that no panic unwinds into the
/// virtual machine.
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_panic_is_one_line_with_its_location() {
        let caught = panic::catch_unwind(|| {
            panic::set_hook(Box::new(record_location));
            panic!("first\nsecond {}", 2)
        })
        .unwrap_err();
        let _ = panic::take_hook();
        let message = panic_message(caught.as_ref());
        assert!(message.starts_with("first\\u{a}second 2 (jvm.rs:"), "{message}");
    }
}
