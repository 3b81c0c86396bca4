//! The target settings as name/value pairs, with the secrets that a file does not hold.

use pfscim_core::settings::{Secret, Setting, setting};
use pfscim_core::text::excerpt;

use super::model::{Connection, SettingValue, TargetSetting};
use super::pingone;

/// The setting that says which secrets are looked at.
pub(super) const METHOD: &str = "AUTHENTICATION_METHOD";

impl Connection {
    /// The secrets that only the server which wrote the file can read, and that are read with the chosen method.
    pub fn encrypted(&self) -> impl Iterator<Item = &'static Setting> {
        let settings = self.target_settings.iter().filter(|setting| setting.value == SettingValue::Encrypted);
        settings
            .filter_map(|known| setting(&known.name))
            .filter(|setting| setting.secret() && self.reads(Some(setting)))
    }

    /// Settings of a method that is not chosen are not looked at by anybody.
    fn reads(&self, its: Option<&Setting>) -> bool {
        let method = self.target_settings.iter().find(|s| setting(&s.name).is_some_and(|s| s.name == METHOD));
        match (its.and_then(|s| s.method), method.map(|m| &m.value)) {
            (Some(its), Some(SettingValue::Given(method))) => its == method.expose(),
            _ => true,
        }
    }

    /// The target settings as name/value pairs; `secrets` (by name, label or alias) go before what the file says.
    ///
    /// # Errors
    /// One line: a value that only the server which wrote the file can read, a secret for no setting.
    pub fn pairs(&self, secrets: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, String> {
        let mut given = Vec::new();
        for (name, value) in secrets {
            // Not the target's: it is for reading users.
            if self.rule.is_some() && name == pingone::CLIENT_SECRET {
                continue;
            }
            let setting = setting(name).ok_or_else(|| {
                format!("--secret: `{}` is no setting of the connector (see `pfscim describe settings`)", excerpt(name))
            })?;
            given.push((setting, value));
        }
        let overridden = |name: &str| given.iter().any(|(setting, _)| setting.is_called(name));
        let mut pairs = Vec::new();
        for TargetSetting { name, value } in self.target_settings.iter().filter(|s| !overridden(&s.name)) {
            match value {
                SettingValue::Given(value) => pairs.push((name.clone(), value.clone())),
                SettingValue::Missing => {}
                SettingValue::Encrypted => {
                    let setting = setting(name);
                    if self.reads(setting) {
                        return Err(format!(
                            "{}: the value is encrypted for the PingFederate server that exported it; give it with --secret {}=env:VARIABLE or --secret {}=file:PATH",
                            setting.map_or_else(|| excerpt(name), |s| s.label.to_owned()),
                            excerpt(name),
                            excerpt(name)
                        ));
                    }
                }
            }
        }
        pairs.extend(given.into_iter().map(|(setting, value)| (setting.name.to_owned(), value.clone())));
        Ok(pairs)
    }
}
