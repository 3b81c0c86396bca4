//! Escapes, cuts and redacts text of targets, sources and files, so that it fits one line of a log or a terminal.
//! Does not know: where the text comes from.

/// The most characters in a message of a text that another program wrote.
const EXCERPT_CHARS_MAX: usize = 300;

/// The fewest bytes of a secret that is redacted: a shorter value is part of many words.
pub(crate) const REDACTED_BYTES_MIN: usize = 4;

/// Escapes control characters, line separators and directional overrides, as `\u{1b}`.
///
/// The result can neither break a line nor control a terminal.
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

/// Escapes as [`printable`], and cuts the trimmed text to 300 characters; an ellipsis marks the cut.
pub fn excerpt(text: &str) -> String {
    let text = text.trim();
    let mut out = printable(&text.chars().take(EXCERPT_CHARS_MAX).collect::<String>());
    if text.chars().count() > EXCERPT_CHARS_MAX {
        out.push('…');
    }
    out
}

/// Replaces a secret in a message by `[redacted]`, including its first part before the ellipsis of an excerpt.
pub(crate) fn redact(message: &str, secret: &str) -> String {
    const REDACTED: &str = "[redacted]";
    if secret.len() < REDACTED_BYTES_MIN {
        return message.to_owned();
    }
    let message = message.replace(secret, REDACTED);
    let mut pieces: Vec<String> = message.split('…').map(str::to_owned).collect();
    // The last piece does not end with an ellipsis.
    let pieces_before_ellipsis = pieces.len().saturating_sub(1);
    for piece in pieces.iter_mut().take(pieces_before_ellipsis) {
        let mut starts = secret.char_indices().map(|(end, _)| &secret[..end]).filter(|s| s.len() >= REDACTED_BYTES_MIN);
        if let Some(start) = starts.rfind(|start| piece.ends_with(start)) {
            piece.truncate(piece.len() - start.len());
            piece.push_str(REDACTED);
        }
    }
    pieces.join("…")
}

/// Escapes the characters that [`printable`] escapes, as JSON does: `\u001b`.
///
/// The result is the same JSON value, because only strings contain these characters. Line breaks between members stay.
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

/// Returns whether a character is invisible and changes how the rest of the line is displayed.
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
    fn a_secret_is_redacted_even_if_an_excerpt_cuts_it() {
        assert_eq!(redact("no swordfish here", "swordfish"), "no [redacted] here");
        let cut = excerpt(&format!("{}swordfish", "x".repeat(EXCERPT_CHARS_MAX - 5)));
        assert!(cut.ends_with("sword…"));
        assert!(redact(&cut, "swordfish").ends_with("x[redacted]…"));
        assert_eq!(redact("a … b", "swordfish"), "a … b");
        assert_eq!(redact("abc", "abc"), "abc");
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = serde_json::json!({"a": "\u{1b}\u{9b}2J\u{7f}\u{202e}ä\n", "b": [1]});
        let text = printable_json(&format!("{value:#}"));
        assert!(text.contains("\\u009b2J\\u007f\\u202eä"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }

    #[test]
    fn long_text_is_cut() {
        let cut = excerpt(&"x".repeat(1000));
        assert_eq!(cut.chars().count(), EXCERPT_CHARS_MAX + 1);
    }
}
