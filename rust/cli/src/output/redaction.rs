//! Replaces values that may not be shown by marks.
//! Does not know: which values these are.

/// Stands for values that may not be shown.
const HIDDEN: &str = "***";

/// As many marks as there are values.
pub(crate) fn redacted(values: &[String]) -> Vec<String> {
    values.iter().map(|_| HIDDEN.to_owned()).collect()
}
