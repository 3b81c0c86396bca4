//! Writes and reads the lines between this program and the Java host process.
//! Does not know: the process, what a call means.
//!
//! A request is `<seq> <call> <args>`. A response is `<seq> ok <args>` or `<seq> failed <args>`. A log line is
//! `- log <args>`. Arguments are form-encoded pairs.

use pfscim_core::Failure;
use pfscim_core::text::{excerpt, printable};
use url::form_urlencoded::{self, Serializer};

/// The log target of lines that the plugin in the host process logs.
pub const PLUGIN_LOG: &str = "plugin";

/// The pairs of a request, a response or a log line, in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// The result of a call.
#[derive(Debug)]
pub(super) enum CallResult {
    /// The values that the call returned.
    Ok(Pairs),
    /// The exception that the plugin threw.
    Failed(Pairs),
}

/// One line of the host process.
pub(super) enum HostLine {
    /// The response to the request with this sequence number; `None` if the number cannot be read.
    Response(Option<u64>, CallResult),
    /// A line that the plugin logged.
    Log(Pairs),
    /// Neither a response nor a log line.
    Unknown,
}

/// Returns the line of a request, with its line break.
pub(super) fn request_line(sequence: u64, call: &str, args: &[(String, String)]) -> String {
    format!("{sequence} {call} {}\n", Serializer::new(String::new()).extend_pairs(args).finish())
}

/// Reads a line of the host process.
pub(super) fn read(line: &str) -> HostLine {
    let mut parts = line.splitn(3, ' ');
    let (sequence, kind, args) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let pairs = || form_urlencoded::parse(args.as_bytes()).into_owned().collect::<Pairs>();
    let sequence_number = sequence.and_then(|sequence| sequence.parse().ok());
    match (sequence, kind) {
        (Some("-"), Some("log")) => HostLine::Log(pairs()),
        (_, Some("ok")) => HostLine::Response(sequence_number, CallResult::Ok(pairs())),
        (_, Some("failed")) => HostLine::Response(sequence_number, CallResult::Failed(pairs())),
        _ => HostLine::Unknown,
    }
}

/// Logs a line of the plugin. Lines that belong to a call (`seq`) are logged at debug level only: the response of the
/// call contains its outcome and warnings.
pub(super) fn log_line(pairs: &Pairs) {
    let text = printable(first_value(pairs, "text").unwrap_or_default());
    let level = match first_value(pairs, "level") {
        _ if first_value(pairs, "seq").is_some() => log::Level::Debug,
        Some("FATAL" | "ERROR") => log::Level::Error,
        Some("WARN") => log::Level::Warn,
        Some("INFO") => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: PLUGIN_LOG, level, "{text}");
}

/// Returns the failure that an exception of the plugin describes.
pub(super) fn failure(pairs: &Pairs) -> Failure {
    let message = first_value(pairs, "message").unwrap_or_default();
    let stops = first_value(pairs, "stop") == Some("true");
    Failure::parse(message, stops).unwrap_or_else(|| {
        let class = first_value(pairs, "class").map(|class| format!("{}: ", excerpt(class))).unwrap_or_default();
        let text = format!("{class}{}", excerpt(message));
        if stops { Failure::Transport { message: text.into(), stops } } else { Failure::Protocol(text.into()) }
    })
}

/// Returns the first value of that name.
pub(crate) fn first_value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Returns every value of that name, in order.
pub(crate) fn all_values<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
}
