//! Reads secrets from the environment variable or file that an argument names.
//! Does not know: the argument.

use pfscim_core::settings::Secret;

/// Parses `NAME=env:VARIABLE` or `NAME=file:PATH`, and reads the secret immediately.
///
/// A missing secret is then an error before anything else happens. Clap may repeat the argument in an error, but the
/// argument contains the location of the secret, not the secret.
pub(super) fn secret(text: &str) -> Result<(String, Secret), String> {
    let shape = "must be NAME=env:VARIABLE or NAME=file:PATH";
    let (name, location) = text.split_once('=').ok_or(shape)?;
    Ok((name.to_owned(), secret_at(location)?.ok_or(shape)?))
}

/// Reads the secret from `env:VARIABLE` or `file:PATH`, without a final line break. Returns `None` for another form.
pub(super) fn secret_at(location: &str) -> Result<Option<Secret>, String> {
    let value = match location.split_once(':') {
        Some(("env", variable)) => {
            std::env::var(variable).map_err(|_| format!("the environment variable {variable} is not set"))?
        }
        Some(("file", path)) => {
            let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            text.strip_suffix('\r').unwrap_or(text).to_owned()
        }
        _ => return Ok(None),
    };
    Ok(Some(Secret::new(value)))
}
