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
    fn long_text_is_cut() {
        let cut = excerpt(&"x".repeat(1000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
    }
}
