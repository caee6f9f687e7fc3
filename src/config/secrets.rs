//! Secrets: named in the files, kept elsewhere. `{ env = ".." }`, `{ file = ".." }` or `{ credential = ".." }`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::env::{Env, HostFile, ReadError};
use super::fields::{Value, kind_of, listed, nearest, quoted};
use crate::diagnostic::Problem;
use crate::model::{Redactor, Secret};

/// Longest secret: a private key in PEM is shorter.
const LONGEST: usize = 64 << 10;
/// Where a secret can be.
const SOURCES: &[&str] = &["env", "file", "credential"];
/// systemd's folder of credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Permission bits that let others read.
const OTHERS: u32 = 0o077;
const HELP: &str =
    "keep it out of the file: { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }";

/// Largest file of certificates: the roots of a whole system take a quarter of it.
const LARGEST_FILE: usize = 1 << 20;

/// What a secret may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One line.
    Line,
    /// Several.
    Lines,
}

/// Reads secrets and remembers them, for the redactor, and which are absent.
pub(super) struct Vault<'e> {
    pub env: &'e dyn Env,
    secrets: RefCell<Vec<Secret>>,
    absent: RefCell<Vec<String>>,
}

impl<'e> Vault<'e> {
    pub fn new(env: &'e dyn Env) -> Self {
        Self {
            env,
            secrets: RefCell::default(),
            absent: RefCell::default(),
        }
    }

    /// Removes every secret that was read.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(self.secrets.borrow().iter())
    }

    /// The names of absent secrets that were asked for since the last call.
    pub fn take_absent(&self) -> Vec<String> {
        self.absent.take()
    }

    /// The secret that a value names. `Ok(None)`: well-formed, but absent.
    pub fn read(&self, value: &Spanned<DeValue<'_>>) -> Result<Option<Secret>, Problem> {
        self.named(value, Form::Line)
    }

    /// The same for a secret of several lines, such as a private key in PEM.
    pub fn read_lines(&self, value: &Spanned<DeValue<'_>>) -> Result<Option<Secret>, Problem> {
        self.named(value, Form::Lines)
    }

    /// The content of a file that is no secret, which a value names.
    pub fn read_file(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<u8>, Problem> {
        let Some(name) = value.get_ref().as_str() else {
            let found = kind_of(value.get_ref());
            return Err(Problem::new(
                value.span(),
                format!("expected the name of a file, found {found}"),
            ));
        };
        match self.env.read(Path::new(name), LARGEST_FILE) {
            Ok(file) => Ok(file.bytes),
            Err(e) => {
                let what = format!("the file {} cannot be read: {e}", quoted(name));
                Err(Problem::new(value.span(), what))
            }
        }
    }

    fn named(&self, value: &Spanned<DeValue<'_>>, form: Form) -> Result<Option<Secret>, Problem> {
        let problem = |what: String| Problem::new(value.span(), what).secret();
        let Some(table) = value.get_ref().as_table() else {
            let found = kind_of(value.get_ref());
            return Err(problem(format!(
                "a secret is not written in the file (found {found})"
            ))
            .help(HELP));
        };
        let mut entries = table.iter();
        let (Some((source, named)), None) = (entries.next(), entries.next()) else {
            return Err(problem("a secret has exactly one source".to_owned()).help(HELP));
        };
        let source: &str = source.get_ref();
        if !SOURCES.contains(&source) {
            let help = nearest(source, SOURCES.iter().copied()).map_or_else(
                || format!("known sources: {}", listed(SOURCES.iter().copied())),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(
                problem(format!("unknown source {} of a secret", quoted(source))).help(help),
            );
        }
        let Some(name) = named.get_ref().as_str() else {
            return Err(problem(format!("`{source}` is a string")));
        };
        self.find(source, named, name, form)
    }

    fn find(
        &self,
        source: &str,
        value: &Value<'_>,
        name: &str,
        form: Form,
    ) -> Result<Option<Secret>, Problem> {
        let problem =
            |what: &str| Problem::new(value.span(), format!("{source} {} {what}", quoted(name)));
        let found = match source {
            "env" => Ok(self.env.var(name)),
            "credential" => match self.env.var(CREDENTIALS) {
                None => Ok(None),
                Some(_) if name.contains(['/', '\\']) || name.starts_with('.') => {
                    return Err(problem("is not the name of a credential"));
                }
                Some(folder) => self
                    .file(&PathBuf::from(folder).join(name))
                    .map(|f| f.map(|(text, _)| text)),
            },
            _ => match self.file(Path::new(name)) {
                Ok(Some((_, mode))) if mode & OTHERS != 0 => {
                    return Err(problem("can be read by others").help(format!("chmod 600 {name}")));
                }
                other => other.map(|f| f.map(|(text, _)| text)),
            },
        };
        let Some(text) = found.map_err(|e| problem(&format!("cannot be read: {e}")))? else {
            self.absent.borrow_mut().push(name.to_owned());
            return Ok(None);
        };
        // Editors and `echo` end a file with a line break.
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(problem("is empty"));
        }
        if text.len() > LONGEST {
            return Err(problem("is longer than 64 KiB"));
        }
        let breaks = |c: char| form == Form::Lines && matches!(c, '\n' | '\r' | '\t');
        if text.contains(|c: char| c.is_control() && !breaks(c)) {
            return Err(problem("holds a line break or another control character"));
        }
        let secret = Secret::new(text.to_owned());
        self.secrets.borrow_mut().push(secret.clone());
        Ok(Some(secret))
    }

    fn file(&self, path: &Path) -> Result<Option<(String, u32)>, ReadError> {
        match self.env.read(path, LONGEST) {
            Ok(HostFile { bytes, mode }) => {
                let text = String::from_utf8(bytes)
                    .map_err(|_| ReadError::Io("it is not UTF-8".to_owned()))?;
                Ok(Some((text, mode)))
            }
            Err(ReadError::Absent) => Ok(None),
            Err(e) => Err(e),
        }
    }
}
