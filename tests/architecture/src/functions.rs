//! Finds the declaration of a function or test in a file of Rust, Python or Java, line by line.
//! Does not see comments and texts of several lines, nor whether a module, macro or class around it is left out.

/// What keeps a test from running.
const IGNORED: [&str; 4] = ["#[ignore", "@Ignore", "@Disabled", "@pytest.mark.skip"];

/// The lines directly above each declaration of the name: its attributes, annotations and comments.
pub(crate) fn declarations<'t>(path: &str, text: &'t str, name: &str) -> Vec<Vec<&'t str>> {
    let (keyword, ends): (_, &[char]) = match path.rsplit_once('.') {
        Some((_, "rs")) => ("fn ", &['(', '<']),
        Some((_, "py")) => ("def ", &['(']),
        Some((_, "java")) => (" ", &['(']),
        _ => return Vec::new(),
    };
    let declares = |line: &str| {
        let Some((before, after)) = line.split_once(&format!("{keyword}{name}")) else { return false };
        // Neither a comment nor, in Java, a call.
        let plain = |c: char| c.is_alphanumeric() || " _<>[],?\"".contains(c);
        let words = before.starts_with("pub(") || before.chars().all(plain);
        let call = |word| ["", "?", "return", "new", "throw", "else"].contains(&word);
        after.starts_with(ends) && words && !(keyword == " " && before.split(' ').next().is_none_or(call))
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    (0..lines.len()).filter(|at| declares(lines[*at])).map(|at| above(&lines[..at])).collect()
}

/// The lines at the end that belong to the declaration that follows them.
pub(crate) fn above<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let other = |line: &&&str| !line.starts_with("//") && (line.is_empty() || line.ends_with(['{', '}', ';']));
    lines.iter().rev().take_while(|line| !other(line)).copied().collect()
}

/// Whether these lines make a test of a function of Rust or Java.
pub(crate) fn is_test(above: &[&str]) -> bool {
    above.iter().any(|line| matches!(*line, "#[test]" | "@Test") || line.starts_with("@Test("))
}

pub(crate) fn is_ignored(above: &[&str]) -> bool {
    above.iter().any(|line| IGNORED.iter().any(|ignored| line.starts_with(ignored)))
}
