//! One native call: request frame in, core called, answer frame out. `NativeConnector.java` is its other half: the
//! numbers of the operations and the order of their arguments and results are the same there.
//!
//! Request: operation, session key (0 = none), whether debug lines are wanted, arguments.
//! Answer: log lines (level 1 error to 4 debug, text), then 0 and the result, or 1, the failure as `code: text` and
//! whether it stops the session.

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::Lazy;
use pfscim_core::connector::{Connector, GroupMember, GroupRecord, Session, UnlistedMembers};
use pfscim_core::environment::{Clock, Environment, SystemClock};
use pfscim_core::mapping::Field;
use pfscim_core::settings::Settings;
use pfscim_core::{Failure, Record, Report};
use thiserror::Error;

use crate::frame::{Malformed, Reader, Writer};
use crate::{lines, proxy, sessions};

/// What is wrong with a call itself, rather than with what it asked for: thrown, not answered.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("the frame is malformed: {0}")]
    Malformed(#[from] Malformed),
    #[error("there is no session {0}: it was closed, or never opened")]
    UnknownSession(i64),
    #[error("the virtual machine refused: {0}")]
    Jvm(#[from] jni::errors::Error),
}

/// Why a call has no result.
enum Stop {
    /// The call was in order; the operation failed.
    Failure(Failure),
    /// The call was not in order.
    Fault(Fault),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Fault(malformed.into())
    }
}

/// One clock for all connectors, so that a connector may outlive the session that opened it.
static CLOCK: Lazy<Arc<SystemClock>> = Lazy::new(Arc::default);

/// Answers one request.
pub(crate) fn answer(frame: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut request = Reader::new(frame)?;
    let (operation, key, debug) = (request.u8()?, request.i64()?, request.bool()?);
    lines::start(debug);
    let mut result = Writer::new();
    let done = perform(operation, key, request, &mut result);
    let lines = lines::finish();

    let mut answer = Writer::new();
    answer.list(lines, |w, (level, text)| {
        w.u8(level as u8).text(&text);
    });
    match done {
        Ok(()) => answer.u8(0).append(result),
        Err(Stop::Failure(failure)) => answer.u8(1).text(&failure.to_string()).bool(failure.stops_session()),
        Err(Stop::Fault(fault)) => return Err(fault),
    };
    Ok(answer.into_frame())
}

fn perform(operation: u8, key: i64, mut request: Reader<'_>, result: &mut Writer) -> Result<(), Stop> {
    match operation {
        0 => hello(request, result)?,
        1 => {
            let (settings, environment) = opening(request)?;
            let connector = Connector::open(Settings::parse(settings)?, environment)?;
            result.i64(sessions::insert(connector.session()));
        }
        2 => {
            request.end()?;
            let checked = session(key)?.connector().check()?;
            result.texts(&checked.facts).texts(&checked.warnings);
        }
        3 => {
            request.end()?;
            let closing = sessions::remove(key).map(|session| session.close()).unwrap_or_default();
            result.texts(&closing);
        }
        4 => {
            let (id, identifier) = (request.string()?, request.string()?);
            request.end()?;
            let found = session(key)?.find_user(known(&id), known(&identifier))?;
            result.bool(found.is_some());
            if let Some(record) = found {
                put_record(&record, result);
            }
        }
        5 => report(&session(key)?.create_user(&record(request)?)?, result),
        6 => report(&session(key)?.update_user(&record(request)?)?, result),
        7 => report(&session(key)?.remove_user(&record(request)?)?, result),
        8 => {
            request.end()?;
            result.list(session(key)?.fields()?.fields(), put_field);
        }
        9 => {
            let (id, name) = (request.string()?, request.string()?);
            request.end()?;
            let found = session(key)?.find_group(known(&id), named(known(&name))?)?;
            result.string(found.as_deref());
        }
        10 => {
            let group = group(request)?;
            named(Some(&group.name))?;
            report(&session(key)?.create_group(&group)?, result);
        }
        11 => {
            let unlisted_members = if request.bool()? { UnlistedMembers::KEEP_ALL } else { UnlistedMembers::Remove };
            let group = GroupRecord { unlisted_members, ..group(request)? };
            named(Some(&group.name))?;
            report(&session(key)?.update_group(&group)?, result);
        }
        12 => report(&session(key)?.delete_group(&group(request)?)?, result),
        #[cfg(debug_assertions)]
        PANIC => provoke(),
        other => return Err(Malformed::Operation(other).into()),
    }
    Ok(())
}

fn session(key: i64) -> Result<Arc<Session>, Stop> {
    sessions::get(key).ok_or(Stop::Fault(Fault::UnknownSession(key)))
}

/// PingFederate says null or an empty string where it does not know.
fn known(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|v| !v.is_empty())
}

/// Reads one value of every kind and writes it again: proves that both codecs agree.
fn hello(mut request: Reader<'_>, result: &mut Writer) -> Result<(), Malformed> {
    result.bytes(request.bytes()?.as_deref()).string(request.string()?.as_deref());
    result.list(request.list(Reader::string)?, |w, item| {
        w.string(item.as_deref());
    });
    result.map(&request.map(|r| r.list(Reader::text))?, |w, values| {
        w.texts(values);
    });
    result.i64(request.i64()?).bool(request.bool()?);
    request.end()
}

/// The arguments of open: settings, channel, trust anchors, proxy properties, how long an operation may take.
fn opening(mut request: Reader<'_>) -> Result<(Vec<(String, String)>, Environment), Malformed> {
    let settings = request.list(|r| Ok((r.text()?, r.string()?)))?;
    let environment = Environment {
        channel: request.text()?,
        anchors: request.list(Reader::blob)?,
        proxy: proxy::rules(&request.map(Reader::text)?),
        clock: Arc::clone(&*CLOCK) as Arc<dyn Clock>,
        operation_timeout: Duration::from_millis(request.i64()?.unsigned_abs()),
        dry_run: false,
    };
    request.end()?;
    Ok((settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(), environment))
}

fn record(mut request: Reader<'_>) -> Result<Record, Malformed> {
    let record = Record {
        id: request.string()?,
        enabled: request.bool()?,
        fields: request.map(|r| r.list(Reader::text))?,
        masked: request.list(Reader::text)?.into_iter().collect(),
    };
    request.end()?;
    Ok(record)
}

fn put_record(record: &Record, result: &mut Writer) {
    result.string(record.id.as_deref()).bool(record.enabled).map(&record.fields, |w, values| {
        w.texts(values);
    });
}

fn report(report: &Report, result: &mut Writer) {
    result.string(report.id.as_deref()).text(&report.to_string()).texts(&report.warnings);
}

fn put_field(result: &mut Writer, field: &Field) {
    result.text(&field.code).text(&field.label);
    result.bool(field.required).bool(field.unique).bool(field.multi_valued).texts(&field.notes).texts(&field.options);
}

/// A group: id, name, and where its members are known, users and nested groups with id and name each.
fn group(mut request: Reader<'_>) -> Result<GroupRecord, Malformed> {
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

fn member(request: &mut Reader<'_>, is_group: bool) -> Result<GroupMember, Malformed> {
    let (id, name) = (request.string()?, request.string()?);
    Ok(GroupMember { id, name: name.unwrap_or_else(|| "one without a name".into()), is_group })
}

/// The name that every group has to have, unless it is deleted.
fn named(name: Option<&str>) -> Result<&str, Failure> {
    name.filter(|n| !n.is_empty()).ok_or_else(|| Failure::Rejected("the source gives no name for this group".into()))
}

/// Proves, in debug builds only, that a panic becomes an exception.
#[cfg(debug_assertions)]
const PANIC: u8 = 255;

#[cfg(debug_assertions)]
#[allow(clippy::panic, reason = "to panic is its purpose, and it is not in the shipped library")]
fn provoke() {
    panic!("provoked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(operation: u8, key: i64) -> Writer {
        let mut w = Writer::new();
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
        answer(&w.into_frame()).unwrap()
    }

    #[test]
    fn a_failure_is_answered_with_its_code_and_whether_it_stops() {
        let answer = open("not a url");
        let mut r = Reader::new(&answer).unwrap();
        r.list(|r| Ok((r.u8()?, r.text()?))).unwrap();
        assert_eq!(r.u8(), Ok(1));
        assert!(r.text().unwrap().starts_with("config: "));
        assert_eq!(r.bool(), Ok(true));
        assert_eq!(r.end(), Ok(()));
    }

    #[test]
    fn an_unknown_session_is_a_fault_but_closing_it_is_not() {
        for operation in [2, 8] {
            let frame = request(operation, 77).into_frame();
            assert!(matches!(answer(&frame), Err(Fault::UnknownSession(77))));
        }
        assert!(answer(&request(3, 77).into_frame()).is_ok());
    }

    #[test]
    fn an_unknown_operation_is_a_fault() {
        let frame = request(200, 0).into_frame();
        assert!(matches!(answer(&frame), Err(Fault::Malformed(Malformed::Operation(200)))));
    }

    proptest! {
        #[test]
        fn arbitrary_requests_never_panic(operation in 0_u8..=13, body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut frame = request(operation, 0).into_frame();
            frame.extend(body);
            let _ = answer(&frame);
        }
    }
}
