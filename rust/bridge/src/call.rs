//! Handles one native call: reads the request frame, calls core, writes the response frame.
//! Does not know: the virtual machine, rules of provisioning.
//!
//! `NativeConnector.java` is the other half. It has the same numbers of operations, and the same order of arguments and
//! results.
//!
//! Request: operation, session key (0 = none), whether to return debug lines, arguments.
//! Response: log lines (level 1 error to 4 debug, text), then 0 and the result. If the operation failed: 1, the failure
//! as `code: text; hint`, and whether it stops the session.

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::Lazy;
use pfscim_core::connector::{Connectors, GroupMember, GroupRecord, Session, UnlistedMembers};
use pfscim_core::environment::{Clock, Environment, SystemClock, SystemRandom};
use pfscim_core::mapping::Field;
use pfscim_core::settings::Settings;
use pfscim_core::{Failure, Record, Report};
use thiserror::Error;

use crate::frame::{FrameError, FrameReader, FrameWriter};
use crate::{lines, proxy, sessions};

/// An error of the call itself, which is thrown as an exception. The failure of an operation is part of the response.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error("the frame is malformed: {0}")]
    Malformed(#[from] FrameError),
    #[error("session {0} does not exist: it was closed, or never opened")]
    UnknownSession(i64),
    #[error("the Java virtual machine reported an error: {0}")]
    Jvm(#[from] jni::errors::Error),
}

/// Why a call has no result.
enum PerformError {
    /// The operation failed.
    Failure(Failure),
    /// The call is invalid.
    Call(CallError),
}

impl From<Failure> for PerformError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<FrameError> for PerformError {
    fn from(error: FrameError) -> Self {
        Self::Call(error.into())
    }
}

/// One clock for all connectors, because a connector may outlive the session that opened it.
static CLOCK: Lazy<Arc<SystemClock>> = Lazy::new(Arc::default);

/// The connectors stay open between sessions, and their removal latches stay shut until the server restarts.
static CONNECTORS: Lazy<Connectors> = Lazy::new(Connectors::default);

/// Handles one request frame. Returns the response frame.
pub(crate) fn handle(frame: &[u8]) -> Result<Vec<u8>, CallError> {
    let mut request = FrameReader::new(frame)?;
    let (operation, key, debug) = (request.u8()?, request.i64()?, request.bool()?);
    lines::start(debug);
    let mut result = FrameWriter::new();
    let outcome = perform(operation, key, request, &mut result);
    let lines = lines::finish();

    let mut response = FrameWriter::new();
    response.list(lines, |w, (level, text)| {
        w.u8(level as u8).text(&text);
    });
    match outcome {
        Ok(()) => response.u8(0).append(result),
        Err(PerformError::Failure(failure)) => response.u8(1).text(&failure.to_string()).bool(failure.stops_session()),
        Err(PerformError::Call(error)) => return Err(error),
    };
    Ok(response.into_frame())
}

/// Runs an operation and appends its result.
fn perform(
    operation: u8,
    key: i64,
    mut request: FrameReader<'_>,
    result: &mut FrameWriter,
) -> Result<(), PerformError> {
    match operation {
        0 => hello(request, result)?,
        1 => {
            let (settings, environment) = open_arguments(request)?;
            let connector = CONNECTORS.open(Settings::parse(settings)?, environment)?;
            result.i64(sessions::insert(connector.session()));
        }
        2 => {
            request.end()?;
            let check = session(key)?.connector().check()?;
            result.texts(&check.facts).texts(&check.warnings);
        }
        3 => {
            request.end()?;
            let lines = sessions::remove(key).map(|session| session.close()).unwrap_or_default();
            result.texts(&lines);
        }
        4 => {
            let (id, identifier) = (request.string()?, request.string()?);
            request.end()?;
            let user = session(key)?.find_user(non_empty(&id), non_empty(&identifier))?;
            result.bool(user.is_some());
            if let Some(record) = user {
                put_record(&record, result);
            }
        }
        5 => put_report(&session(key)?.create_user(&record(request)?)?, result),
        6 => put_report(&session(key)?.update_user(&record(request)?)?, result),
        7 => put_report(&session(key)?.remove_user(&record(request)?)?, result),
        8 => {
            request.end()?;
            result.list(session(key)?.fields()?.fields(), put_field);
        }
        9 => {
            let (id, name) = (request.string()?, request.string()?);
            request.end()?;
            let group_id = session(key)?.find_group(non_empty(&id), require_name(non_empty(&name))?)?;
            result.string(group_id.as_deref());
        }
        10 => {
            let group = group(request)?;
            require_name(Some(&group.name))?;
            put_report(&session(key)?.create_group(&group)?, result);
        }
        11 => {
            let unlisted_members = if request.bool()? { UnlistedMembers::KEEP_ALL } else { UnlistedMembers::Remove };
            let group = GroupRecord { unlisted_members, ..group(request)? };
            require_name(Some(&group.name))?;
            put_report(&session(key)?.update_group(&group)?, result);
        }
        12 => put_report(&session(key)?.delete_group(&group(request)?)?, result),
        #[cfg(debug_assertions)]
        PANIC => panic_for_test(),
        unknown => return Err(FrameError::Operation(unknown).into()),
    }
    Ok(())
}

fn session(key: i64) -> Result<Arc<Session>, PerformError> {
    sessions::get(key).ok_or(PerformError::Call(CallError::UnknownSession(key)))
}

/// Returns `None` for an empty string too, because PingFederate passes null or an empty string for an unknown value.
fn non_empty(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|v| !v.is_empty())
}

/// Reads one value of every kind and writes it again, so that Java can check that both codecs agree.
fn hello(mut request: FrameReader<'_>, result: &mut FrameWriter) -> Result<(), FrameError> {
    result.bytes(request.bytes()?.as_deref()).string(request.string()?.as_deref());
    result.list(request.list(FrameReader::string)?, |w, item| {
        w.string(item.as_deref());
    });
    result.map(&request.map(|r| r.list(FrameReader::text))?, |w, values| {
        w.texts(values);
    });
    result.i64(request.i64()?).bool(request.bool()?);
    request.end()
}

/// Reads the arguments of open: settings, channel, trust anchors, proxy properties, limit of an operation in
/// milliseconds.
fn open_arguments(mut request: FrameReader<'_>) -> Result<(Vec<(String, String)>, Environment), FrameError> {
    let settings = request.list(|r| Ok((r.text()?, r.string()?)))?;
    let environment = Environment {
        channel: request.text()?,
        anchors: request.list(FrameReader::blob)?,
        proxy: proxy::proxy_rules(&request.map(FrameReader::text)?),
        clock: Arc::clone(&*CLOCK) as Arc<dyn Clock>,
        random: Arc::new(SystemRandom),
        operation_timeout: Duration::from_millis(request.i64()?.unsigned_abs()),
        dry_run: false,
    };
    request.end()?;
    Ok((settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(), environment))
}

fn record(mut request: FrameReader<'_>) -> Result<Record, FrameError> {
    let record = Record {
        id: request.string()?,
        enabled: request.bool()?,
        fields: request.map(|r| r.list(FrameReader::text))?,
        masked: request.list(FrameReader::text)?.into_iter().collect(),
        // PingFederate does not say which attribute a field comes from.
        external_guid: None,
    };
    request.end()?;
    Ok(record)
}

fn put_record(record: &Record, result: &mut FrameWriter) {
    result.string(record.id.as_deref()).bool(record.enabled).map(&record.fields, |w, values| {
        w.texts(values);
    });
}

fn put_report(report: &Report, result: &mut FrameWriter) {
    result.string(report.id.as_deref()).text(&report.to_string()).texts(&report.warnings);
}

fn put_field(result: &mut FrameWriter, field: &Field) {
    result.text(&field.code).text(&field.label);
    result.bool(field.required).bool(field.unique).bool(field.multi_valued).texts(&field.notes).texts(&field.options);
}

/// Reads a group: id, name and, if its members are known, users and then nested groups, each with id and name.
fn group(mut request: FrameReader<'_>) -> Result<GroupRecord, FrameError> {
    let id = request.string()?;
    let name = request.string()?.unwrap_or_default();
    let members = if request.bool()? {
        let mut members = request.list(|r| member(r, false))?;
        members.extend(request.list(|r| member(r, true))?);
        Some(members)
    } else {
        None
    };
    request.end()?;
    Ok(GroupRecord { id, name, members, unlisted_members: UnlistedMembers::default() })
}

fn member(request: &mut FrameReader<'_>, is_group: bool) -> Result<GroupMember, FrameError> {
    let (id, name) = (request.string()?, request.string()?);
    Ok(GroupMember { id, name: name.unwrap_or_else(|| "a member without a name".into()), is_group })
}

/// Returns the name, which every group must have unless it is deleted.
fn require_name(name: Option<&str>) -> Result<&str, Failure> {
    name.filter(|n| !n.is_empty()).ok_or_else(|| Failure::Rejected("the source contains no name for this group".into()))
}

/// An operation that panics, in debug builds only, to test that a panic becomes an exception.
#[cfg(debug_assertions)]
const PANIC: u8 = 255;

#[cfg(debug_assertions)]
#[allow(clippy::panic, reason = "it must panic, and it is not in the released library")]
fn panic_for_test() {
    panic!("provoked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(operation: u8, key: i64) -> FrameWriter {
        let mut w = FrameWriter::new();
        w.u8(operation).i64(key).bool(false);
        w
    }

    fn open(url: &str) -> Vec<u8> {
        let mut w = request(1, 0);
        w.list([("SCIM_URL", Some(url)), ("SCIM Heading", None)], |w, (name, value)| {
            w.text(name).string(value);
        });
        w.text("1").list([b"not a certificate".as_slice()], |w, anchor| {
            w.bytes(Some(anchor));
        });
        w.list([("http.proxyHost", "proxy")], |w, (name, value)| {
            w.text(name).text(value);
        });
        w.i64(50_000);
        handle(&w.into_frame()).unwrap()
    }

    #[test]
    fn the_response_to_a_failure_has_its_code_and_whether_it_stops_the_session() {
        let response = open("not a url");
        let mut r = FrameReader::new(&response).unwrap();
        r.list(|r| Ok((r.u8()?, r.text()?))).unwrap();
        assert_eq!(r.u8(), Ok(1));
        assert!(r.text().unwrap().starts_with("config: "));
        assert_eq!(r.bool(), Ok(true));
        assert_eq!(r.end(), Ok(()));
    }

    #[test]
    fn an_unknown_session_is_an_error_except_for_close() {
        for operation in [2, 8] {
            let frame = request(operation, 77).into_frame();
            assert!(matches!(handle(&frame), Err(CallError::UnknownSession(77))));
        }
        assert!(handle(&request(3, 77).into_frame()).is_ok());
    }

    #[test]
    fn an_unknown_operation_is_an_error() {
        let frame = request(200, 0).into_frame();
        assert!(matches!(handle(&frame), Err(CallError::Malformed(FrameError::Operation(200)))));
    }

    proptest! {
        #[test]
        fn arbitrary_requests_never_panic(operation in 0_u8..=13, body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut frame = request(operation, 0).into_frame();
            frame.extend(body);
            let _ = handle(&frame);
        }
    }
}
