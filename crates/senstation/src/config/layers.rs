use std::{collections::BTreeMap, fmt, path::Path};

use anyhow::{Context, anyhow, bail};
use toml::{Table, Value};

use super::{DEFAULTS, Settings, check::check, nearest};

/// The file that is read when none is named, if it is there.
const FILE: &str = "senstation.toml";
/// What our variables in the environment start with.
const PREFIX: &str = "SENSTATION_";

/// Every setting by its name such as `http.listen`, and where its value comes from.
#[derive(Debug, Clone)]
pub(crate) struct Layers(BTreeMap<String, Setting>);

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) | Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Layers {
    /// The defaults alone.
    pub(crate) fn defaults() -> anyhow::Result<Self> {
        let table: Table = DEFAULTS.parse().context("the file of defaults is no TOML")?;
        let mut settings = BTreeMap::new();
        flatten("", table, &mut |name, value| {
            settings.insert(name, Setting { value, origin: Origin::Default });
            Ok(())
        })?;
        Ok(Self(settings))
    }

    /// Takes over what a file says, or `senstation.toml` if it is there and no file is named.
    pub(crate) fn read_file(&mut self, named: Option<&Path>) -> anyhow::Result<()> {
        let path = named.unwrap_or(Path::new(FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => self.overlay(&text, &path.display().to_string()),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    fn overlay(&mut self, text: &str, path: &str) -> anyhow::Result<()> {
        let table: Table = text.parse().with_context(|| format!("`{path}` is no TOML"))?;
        flatten("", table, &mut |name, value| self.set(&name, value, Origin::File(path.to_owned())))
            .with_context(|| format!("in `{path}`"))
    }

    /// Takes over what the environment says.
    pub(crate) fn read_environment(&mut self, variables: impl Iterator<Item = (String, String)>) -> anyhow::Result<()> {
        for (variable, text) in variables.filter(|(variable, _)| variable.starts_with(PREFIX)) {
            let Some(name) = self.0.keys().find(|name| env_name(name) == variable).cloned() else {
                let known: Vec<String> = self.0.keys().map(|name| env_name(name)).collect();
                bail!("no setting is called `{variable}`{}", suggestion(&variable, &known));
            };
            let value = match &self.0[&name].value {
                Value::String(_) => Value::String(text),
                other => (text.parse().ok())
                    .filter(|value: &Value| value.same_type(other))
                    .with_context(|| format!("`{variable}` is to be a {}", other.type_str()))?,
            };
            self.set(&name, value, Origin::Environment(variable))?;
        }
        Ok(())
    }

    /// Takes over what a flag says.
    pub(crate) fn set_by_flag(&mut self, name: &str, value: impl Into<Value>, flag: &str) -> anyhow::Result<()> {
        self.set(name, value.into(), Origin::Flag(flag.to_owned()))
    }

    /// Puts another default in a setting's place.
    pub(crate) fn set_default(&mut self, name: &str, value: impl Into<Value>) -> anyhow::Result<()> {
        self.set(name, value.into(), Origin::Default)
    }

    fn set(&mut self, name: &str, value: Value, origin: Origin) -> anyhow::Result<()> {
        let Some(setting) = self.0.get_mut(name) else {
            let known: Vec<String> = self.0.keys().cloned().collect();
            bail!("no setting is called `{name}`{}", suggestion(name, &known));
        };
        if setting.value.type_str() != value.type_str() {
            let (wanted, given) = (setting.value.type_str(), value.type_str());
            return Err(anyhow!("`{name}` is to be a {wanted}, not a {given}").context(origin.to_string()));
        }
        *setting = Setting { value, origin };
        Ok(())
    }

    /// Where a setting's value comes from.
    pub(crate) fn origin(&self, name: &str) -> &Origin {
        self.0.get(name).map_or(&Origin::Default, |setting| &setting.origin)
    }

    /// Every setting, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Setting)> {
        self.0.iter()
    }

    /// The settings as the program uses them.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let mut table = Table::new();
        for (name, setting) in &self.0 {
            match name.split_once('.') {
                None => drop(table.insert(name.clone(), setting.value.clone())),
                Some((section, key)) => {
                    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(section) = section {
                        section.insert(key.to_owned(), setting.value.clone());
                    }
                }
            }
        }
        let settings = Value::Table(table).try_into().context("a setting has a value that cannot be used")?;
        check(&settings)?;
        Ok(settings)
    }
}

/// What a setting is called in the environment.
pub(crate) fn env_name(name: &str) -> String {
    PREFIX.to_owned() + &name.replace('.', "_").to_ascii_uppercase()
}

fn suggestion(name: &str, known: &[String]) -> String {
    nearest(name, known.iter().map(String::as_str)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn flatten(
    prefix: &str,
    table: Table,
    take: &mut impl FnMut(String, Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (key, value) in table {
        match value {
            Value::Table(inner) => flatten(&format!("{prefix}{key}."), inner, take)?,
            value => take(format!("{prefix}{key}"), value)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Listen, LogFormat};

    fn layers(file: &str, environment: &[(&str, &str)]) -> anyhow::Result<Layers> {
        let mut layers = Layers::defaults()?;
        layers.overlay(file, "senstation.toml")?;
        layers.read_environment(environment.iter().map(|(name, value)| (name.to_string(), value.to_string())))?;
        Ok(layers)
    }

    #[track_caller]
    fn refused(file: &str, environment: &[(&str, &str)]) -> String {
        match layers(file, environment).and_then(|layers| layers.settings()) {
            Ok(settings) => panic!("{settings:?}"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn the_file_of_defaults_has_every_setting() {
        let settings = Layers::defaults().unwrap().settings().unwrap();
        assert_eq!(settings.http.listen, Listen("127.0.0.1:8080".parse().ok()));
        assert_eq!(settings.metrics.listen, Listen(None));
        assert_eq!(settings.log.format, LogFormat::Auto);
        assert!(!settings.portal_login.enabled && settings.portal_login.networks.0.is_empty());
    }

    #[test]
    fn networks_are_separated_by_commas() {
        let environment = [("SENSTATION_PORTAL_LOGIN_ENABLED", "true")];
        let file = "[portal_login]\nnetworks = \"192.168.1.0/24, fd00::/8,\"";
        let login = layers(file, &environment).unwrap().settings().unwrap().portal_login;
        assert!(login.enabled);
        let proxies = layers("", &[("SENSTATION_HTTP_TRUSTED_PROXIES", "192.0.2.1, ::1")]).unwrap().settings().unwrap();
        assert_eq!(proxies.http.trusted_proxies.0, ["192.0.2.1/32".parse().unwrap(), "::1/128".parse().unwrap()]);
        assert_eq!(login.networks.0, ["192.168.1.0/24".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    }

    #[test]
    fn a_flag_counts_more_than_the_environment_and_that_more_than_the_file() {
        let file = "[http]\nlisten = \"off\"\nconnections_max = 7\n[log]\nlevel = \"debug\"\n";
        let environment = [("SENSTATION_HTTP_CONNECTIONS_MAX", "8"), ("SENSTATION_LOG_LEVEL", "warn"), ("PATH", "/")];
        let mut layers = layers(file, &environment).unwrap();
        layers.set_by_flag("log.level", "error", "--log-level").unwrap();
        let settings = layers.settings().unwrap();
        assert_eq!(settings.http.listen, Listen(None));
        assert_eq!(settings.http.connections_max, 8);
        assert_eq!(settings.log.level, "error");
        assert_eq!(layers.0["http.listen"].origin.to_string(), "senstation.toml");
        assert_eq!(layers.0["http.connections_max"].origin.to_string(), "SENSTATION_HTTP_CONNECTIONS_MAX");
        assert_eq!(layers.0["log.level"].origin.to_string(), "--log-level");
        assert_eq!(layers.0["data_dir"].origin.to_string(), "default");
    }

    #[test]
    fn refuses_unknown_names_and_names_the_nearest() {
        assert!(refused("[http]\nlisen = \"off\"", &[]).contains("did you mean `http.listen`?"));
        assert!(refused("[contrakt]\nrealm = \"a\"", &[]).contains("did you mean `contract.realm`?"));
        assert!(refused("", &[("SENSTATION_DATADIR", "a")]).contains("did you mean `SENSTATION_DATA_DIR`?"));
        assert!(refused("[x]\nyzzyzzyzz = 1", &[]).ends_with("no setting is called `x.yzzyzzyzz`"));
    }

    #[test]
    fn refuses_values_of_another_kind() {
        assert!(refused("[http]\nlisten = 8080", &[]).contains("`http.listen` is to be a string, not a integer"));
        assert!(refused("[http]\nlisten = \"here\"", &[]).contains("`here` is no address"));
        assert!(refused("", &[("SENSTATION_HTTP_CONNECTIONS_MAX", "many")]).contains("is to be a integer"));
        assert!(refused("[http]\nconnections_max = -1", &[]).contains("connections_max"));
        assert!(refused("[portal_login]\nnetworks = \"home\"", &[]).contains("`home` is no network"));
    }
}
