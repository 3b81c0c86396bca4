//! The lines between this program and the Java host process: requests (`<seq> <call> <args>`) and responses, their
//! arguments as form-encoded pairs.
//! Does not know: the process, what a call means.

use pfscim_core::Failure;
use pfscim_core::text::{excerpt, printable};
use url::form_urlencoded::{self, Serializer};

/// The log target of what the plugin in the host process logs.
pub const PLUGIN_LOG: &str = "plugin";

/// The pairs of a request or an answer, in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// What a response says of its call.
#[derive(Debug)]
pub(super) enum Reply {
    Ok(Pairs),
    Failed(Pairs),
}

/// One line of the host process.
pub(super) enum Line {
    /// The response to the request with this sequence number; none where the number cannot be read.
    Response(Option<u64>, Reply),
    /// What the plugin logged.
    Log(Pairs),
    /// Neither of them.
    Unknown,
}

/// The line of a request, with its end.
pub(super) fn request(sequence: u64, call: &str, args: &[(String, String)]) -> String {
    format!("{sequence} {call} {}\n", Serializer::new(String::new()).extend_pairs(args).finish())
}

/// Reads a line of the host process.
pub(super) fn read(line: &str) -> Line {
    let mut words = line.splitn(3, ' ');
    let (sequence, kind, args) = (words.next(), words.next(), words.next().unwrap_or_default());
    let pairs = || form_urlencoded::parse(args.as_bytes()).into_owned().collect::<Pairs>();
    let sequence_number = sequence.and_then(|sequence| sequence.parse().ok());
    match (sequence, kind) {
        (Some("-"), Some("log")) => Line::Log(pairs()),
        (_, Some("ok")) => Line::Response(sequence_number, Reply::Ok(pairs())),
        (_, Some("failed")) => Line::Response(sequence_number, Reply::Failed(pairs())),
        _ => Line::Unknown,
    }
}

/// A line that the plugin logged. Outcomes and warnings of operations come with their answers as well.
pub(super) fn log_line(pairs: &Pairs) {
    let text = printable(first(pairs, "text").unwrap_or_default());
    let level = match first(pairs, "level") {
        _ if first(pairs, "seq").is_some() => log::Level::Debug,
        Some("FATAL" | "ERROR") => log::Level::Error,
        Some("WARN") => log::Level::Warn,
        Some("INFO") => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: PLUGIN_LOG, level, "{text}");
}

/// What the plugin's exception says.
pub(super) fn failure(pairs: &Pairs) -> Failure {
    let message = first(pairs, "message").unwrap_or_default();
    let stops = first(pairs, "stop") == Some("true");
    Failure::parse(message, stops).unwrap_or_else(|| {
        let class = first(pairs, "class").map(|class| format!("{}: ", excerpt(class))).unwrap_or_default();
        let text = format!("{class}{}", excerpt(message));
        if stops { Failure::Transport { message: text.into(), stops } } else { Failure::Protocol(text.into()) }
    })
}

/// The first value of that name.
pub(crate) fn first<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Every value of that name, in order.
pub(crate) fn all<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
}
