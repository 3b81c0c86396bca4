//! Reads secrets that an argument names by variable or file.
//! Does not know: which argument that is.

use pfscim_core::settings::Secret;

/// Reads the secret at once, so that a missing one is told before anything else happens. Whatever clap repeats of
/// an argument is where the secret stands, never the secret.
pub(super) fn secret(text: &str) -> Result<(String, Secret), String> {
    let shape = "a secret is given as NAME=env:VARIABLE or NAME=file:PATH";
    let (name, place) = text.split_once('=').ok_or(shape)?;
    Ok((name.to_owned(), secret_at(place)?.ok_or(shape)?))
}

/// The secret in `env:VARIABLE` or `file:PATH`; `None` for another form.
pub(super) fn secret_at(place: &str) -> Result<Option<Secret>, String> {
    let value = match place.split_once(':') {
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
