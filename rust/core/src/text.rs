//! Text that came from somewhere else, made fit for one line of a log or a terminal.

/// The longest foreign text that is repeated in a message, in characters.
const LONGEST: usize = 300;

/// Escapes control characters, line separators and directional overrides, so that foreign text can neither break
/// a line nor steer a terminal.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`printable`], and cut to a length that fits a log line.
pub fn excerpt(text: &str) -> String {
    let text = text.trim();
    let mut out = printable(&text.chars().take(LONGEST).collect::<String>());
    if text.chars().count() > LONGEST {
        out.push('…');
    }
    out
}

/// A value shorter than this is in every other word.
const SHORTEST_SECRET: usize = 4;

/// A message without a value that nobody may see, also where an excerpt ends in the middle of it.
pub(crate) fn redact(message: &str, secret: &str) -> String {
    const REDACTED: &str = "[redacted]";
    if secret.len() < SHORTEST_SECRET {
        return message.to_owned();
    }
    let message = message.replace(secret, REDACTED);
    let mut pieces: Vec<String> = message.split('…').map(str::to_owned).collect();
    let cut = pieces.len().saturating_sub(1);
    for piece in pieces.iter_mut().take(cut) {
        let mut starts = secret.char_indices().map(|(end, _)| &secret[..end]).filter(|s| s.len() >= SHORTEST_SECRET);
        if let Some(start) = starts.rfind(|start| piece.ends_with(start)) {
            piece.truncate(piece.len() - start.len());
            piece.push_str(REDACTED);
        }
    }
    pieces.join("…")
}

/// The text of a JSON value with the same characters escaped as JSON does it, so that it stays the same value. They
/// stand within strings only; line breaks between members stay.
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && (c.is_control() || is_invisible(c)) {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that change how the rest of a line reads without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\nb\u{1b}[31m"), "a\\u{a}b\\u{1b}[31m");
        assert_eq!(printable("\u{202e}x"), "\\u{202e}x");
    }

    #[test]
    fn a_secret_is_struck_out_also_where_an_excerpt_cuts_it() {
        assert_eq!(redact("no swordfish here", "swordfish"), "no [redacted] here");
        let cut = excerpt(&format!("{}swordfish", "x".repeat(LONGEST - 5)));
        assert!(cut.ends_with("sword…"));
        assert!(redact(&cut, "swordfish").ends_with("x[redacted]…"));
        assert_eq!(redact("a … b", "swordfish"), "a … b");
        assert_eq!(redact("abc", "abc"), "abc");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a": "\u{1b}\u{9b}2J\u{7f}\u{202e}ä\n", "b": [1]});
        let text = printable_json(&format!("{value:#}"));
        assert!(text.contains("\\u009b2J\\u007f\\u202eä"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }

    #[test]
    fn long_text_is_cut() {
        let cut = excerpt(&"x".repeat(1000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
    }
}
