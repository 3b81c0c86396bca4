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
