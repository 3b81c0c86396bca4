//! The exported symbol, and the one policy for what cannot be answered: an error or a panic becomes an
//! `org.pfscim.connector.NativeException`. The only file that touches the virtual machine.

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

use crate::call::{self, Fault};

/// `static native byte[] call(byte[] frame)` of `org.pfscim.connector.NativeConnector`. The symbol is found by its name,
/// never registered: a registration could outlive the class loader that it was made for.
#[expect(unsafe_code, reason = "the virtual machine finds the method by this exported name; no code in it is unsafe")]
#[unsafe(no_mangle)]
pub(crate) extern "system" fn Java_org_pfscim_connector_NativeConnector_call<'local>(
    mut env: EnvUnowned<'local>,
    class: JClass<'local>,
    frame: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| -> Result<JByteArray<'local>, Fault> {
        quiet();
        let request = env.convert_byte_array(&frame)?;
        Ok(env.byte_array_from_slice(&call::answer(&request)?)?)
    })
    .resolve_with::<ThrowNativeException, _>(|| &class)
}

/// Throws whatever stands in the way of an answer.
struct ThrowNativeException;

impl<T: Default> ErrorPolicy<T, Fault> for ThrowNativeException {
    type Captures<'local: 'method, 'method> = &'method JClass<'local>;

    fn on_error<'local: 'method, 'method>(
        env: &mut Env<'local>,
        class: &mut Self::Captures<'local, 'method>,
        fault: Fault,
    ) -> jni::errors::Result<T> {
        throw(env, class, &fault.to_string());
        Ok(T::default())
    }

    fn on_panic<'local: 'method, 'method>(
        env: &mut Env<'local>,
        class: &mut Self::Captures<'local, 'method>,
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        throw(env, class, &format!("panic: {}", told(payload.as_ref())));
        discard(payload);
        Ok(T::default())
    }
}

/// Throws a `NativeException`, found through the loader of the connector's own class: the thread's context loader may
/// not know it. Where even that fails the message goes out as a `RuntimeException` rather than being lost. An exception
/// that is pending already is left alone.
fn throw(env: &mut Env<'_>, class: &JClass<'_>, message: &str) {
    if env.exception_check() {
        return;
    }
    let exception = class.get_class_loader(env).and_then(|loader| {
        LoaderContext::Loader(&loader).load_class(env, jni_str!("org.pfscim.connector.NativeException"), true)
    });
    // To throw is reported as `Err` too: the exception is pending then, which is what is wanted.
    let _ = match exception {
        Ok(exception) => env.throw_new(&exception, JNIString::new(message)),
        Err(_) => {
            env.exception_clear();
            env.throw(message)
        }
    };
}

thread_local! {
    /// Where the last panic of this thread came from: `file.rs:line`.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the default hook, which would write to the server's standard error, by one that keeps the place for the
/// exception's message. The hook is this library's own: no other native code of the server has it.
fn quiet() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| panic::set_hook(Box::new(remember)));
}

fn remember(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| {
        let file = Path::new(place.file()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{file}:{}", place.line())
    });
    PLACE.with(|p| {
        if let Ok(mut p) = p.try_borrow_mut() {
            *p = place;
        }
    });
}

/// What a panic says, on one line, and where it came from.
fn told(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    match PLACE.with(|p| p.try_borrow_mut().ok().and_then(|mut p| p.take())) {
        Some(place) => format!("{} ({place})", excerpt(text)),
        None => excerpt(text),
    }
}

/// Drops a panic's payload; where that panics too it is leaked, so that nothing unwinds into the virtual machine.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_on_one_line_with_its_place() {
        let caught = panic::catch_unwind(|| {
            panic::set_hook(Box::new(remember));
            panic!("first\nsecond {}", 2)
        })
        .unwrap_err();
        let _ = panic::take_hook();
        let told = told(caught.as_ref());
        assert!(told.starts_with("first\\u{a}second 2 (jvm.rs:"), "{told}");
    }
}
