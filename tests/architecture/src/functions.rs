//! Finds the declaration of a function or test in a file of Rust, Python or Java, line by line.
//! Does not recognise: comments and strings of several lines, and modules, macros and classes that are not compiled.

/// The attributes and annotations that disable a test.
const DISABLING_MARKS: [&str; 4] = ["#[ignore", "@Ignore", "@Disabled", "@pytest.mark.skip"];

/// Returns the lines directly above each declaration of the name: its attributes, annotations and comments.
pub(crate) fn declarations<'t>(path: &str, text: &'t str, name: &str) -> Vec<Vec<&'t str>> {
    let (keyword, ends): (_, &[char]) = match path.rsplit_once('.') {
        Some((_, "rs")) => ("fn ", &['(', '<']),
        Some((_, "py")) => ("def ", &['(']),
        Some((_, "java")) => (" ", &['(']),
        _ => return Vec::new(),
    };
    let declares = |line: &str| {
        let Some((before, after)) = line.split_once(&format!("{keyword}{name}")) else { return false };
        // Excludes comments and, in Java, calls.
        let plain = |c: char| c.is_alphanumeric() || " _<>[],?\"".contains(c);
        let is_signature = before.starts_with("pub(") || before.chars().all(plain);
        let is_call = |word| ["", "?", "return", "new", "throw", "else"].contains(&word);
        after.starts_with(ends) && is_signature && !(keyword == " " && before.split(' ').next().is_none_or(is_call))
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    (0..lines.len()).filter(|at| declares(lines[*at])).map(|at| lines_above(&lines[..at])).collect()
}

/// Returns the last lines that belong to the declaration after them.
pub(crate) fn lines_above<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let is_separate = |line: &&&str| !line.starts_with("//") && (line.is_empty() || line.ends_with(['{', '}', ';']));
    lines.iter().rev().take_while(|line| !is_separate(line)).copied().collect()
}

/// Returns whether these lines mark a Rust or Java function as a test.
pub(crate) fn is_test(above: &[&str]) -> bool {
    above.iter().any(|line| matches!(*line, "#[test]" | "@Test") || line.starts_with("@Test("))
}

pub(crate) fn is_ignored(above: &[&str]) -> bool {
    above.iter().any(|line| DISABLING_MARKS.iter().any(|mark| line.starts_with(mark)))
}
