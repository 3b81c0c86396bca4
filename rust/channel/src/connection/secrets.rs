//! Returns the target settings as name/value pairs, with the secrets of `--secret`.
//! Does not know: what the settings mean.

use pfscim_core::settings::{Secret, Setting, setting};
use pfscim_core::text::excerpt;

use super::model::{Connection, SettingValue, TargetSetting};
use super::pingone;

/// The setting that decides which secrets are needed.
pub(super) const METHOD: &str = "AUTHENTICATION_METHOD";

impl Connection {
    /// Returns the encrypted secrets that the chosen authentication method needs.
    pub fn encrypted(&self) -> impl Iterator<Item = &'static Setting> {
        let settings = self.target_settings.iter().filter(|setting| setting.value == SettingValue::Encrypted);
        settings
            .filter_map(|known| setting(&known.name))
            .filter(|setting| setting.is_secret() && self.needs(Some(setting)))
    }

    /// Returns whether a setting is needed. Settings of another authentication method are not.
    fn needs(&self, candidate: Option<&Setting>) -> bool {
        let method = self.target_settings.iter().find(|s| setting(&s.name).is_some_and(|s| s.name == METHOD));
        match (candidate.and_then(|s| s.method), method.map(|m| &m.value)) {
            (Some(required), Some(SettingValue::Clear(chosen))) => required == chosen.expose(),
            _ => true,
        }
    }

    /// Returns the target settings as name/value pairs. `secrets` (by name, label or alias) override the file.
    ///
    /// # Errors
    /// One line: an encrypted value without a secret, or a secret of an unknown setting.
    pub fn pairs(&self, secrets: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, String> {
        let mut supplied = Vec::new();
        for (name, value) in secrets {
            // This secret is for the source, not for the target.
            if self.rule.is_some() && name == pingone::CLIENT_SECRET {
                continue;
            }
            let setting = setting(name).ok_or_else(|| {
                format!(
                    "--secret: `{}` is not a setting of the connector; see `pfscim describe settings`",
                    excerpt(name)
                )
            })?;
            supplied.push((setting, value));
        }
        let overridden = |name: &str| supplied.iter().any(|(setting, _)| setting.is_called(name));
        let mut pairs = Vec::new();
        for TargetSetting { name, value } in self.target_settings.iter().filter(|s| !overridden(&s.name)) {
            match value {
                SettingValue::Clear(value) => pairs.push((name.clone(), value.clone())),
                SettingValue::Missing => {}
                SettingValue::Encrypted => {
                    let setting = setting(name);
                    if self.needs(setting) {
                        return Err(format!(
                            "{}: the value is encrypted, and only the PingFederate server that exported it can decrypt it; supply it with --secret {}=env:VARIABLE or --secret {}=file:PATH",
                            setting.map_or_else(|| excerpt(name), |s| s.label.to_owned()),
                            excerpt(name),
                            excerpt(name)
                        ));
                    }
                }
            }
        }
        pairs.extend(supplied.into_iter().map(|(setting, value)| (setting.name.to_owned(), value.clone())));
        Ok(pairs)
    }
}
