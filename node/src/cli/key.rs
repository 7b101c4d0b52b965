//! `blocktree key`: the keystore. Secrets come from a file, from standard input or from the terminal,
//! never from the command line, which other users of a machine can read.

use super::shared::{ChainArg, KeystoreArgs, ask};
use crate::output;
use anyhow::{Context, Result, bail};
use blocktree_primitives::Network;
use blocktree_wallet::secret::{secret_from_hex, secret_to_hex};
use blocktree_wallet::words::MAX_TEXT_BYTES;
use blocktree_wallet::{KeyInfo, KeyMaterial, KeyName, WordCount, Words};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make, import, list, show and export keys: an encrypted file for each.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    New(NewArgs),
    Import(ImportArgs),
    List(ListArgs),
    Show(ShowArgs),
    Export(ExportArgs),
}

/// How many words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Count {
    #[default]
    #[value(name = "12")]
    Twelve,
    #[value(name = "24")]
    TwentyFour,
}

/// Make a key, and show the words that it can be had back from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree key new alice
  blocktree key new alice --chain main --words 24
  blocktree key new alice --password-file ~/secret --json")]
struct NewArgs {
    /// What to call it: 1 to 64 of a-z, 0-9, - and _
    #[arg(value_name = "NAME")]
    name: KeyName,
    #[command(flatten)]
    chain: ChainArg,
    #[command(flatten)]
    keystore: KeystoreArgs,
    /// How many words
    #[arg(long, value_name = "COUNT", value_enum, default_value_t)]
    words: Count,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Add a key from its words, or from its secret, read from standard input.
#[derive(Debug, Args)]
#[command(after_help = "\
The terminal is asked where standard input is one. On the dev chain the well-known words give the
accounts that genesis funds; they are refused elsewhere.

Examples:
  blocktree key import alice --index 1
  echo test test test test test test test test test test test junk |
    blocktree key import bob --index 2 --password-file ~/secret
  blocktree key import carol --secret-key < carol.hex")]
struct ImportArgs {
    /// What to call it: 1 to 64 of a-z, 0-9, - and _
    #[arg(value_name = "NAME")]
    name: KeyName,
    #[command(flatten)]
    chain: ChainArg,
    #[command(flatten)]
    keystore: KeystoreArgs,
    /// Which of the words' keys
    #[arg(long, value_name = "N", default_value_t = 0)]
    index: u32,
    /// A file with the words' BIP-39 passphrase, less one line end
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Read a bare secret key of 64 hex digits instead of words
    #[arg(long, conflicts_with_all = ["index", "passphrase_file"])]
    secret_key: bool,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// List the keys; no password is needed.
#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    keystore: KeystoreArgs,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Show a key's principal and public key; no password is needed.
#[derive(Debug, Args)]
struct ShowArgs {
    /// Which key
    #[arg(value_name = "NAME")]
    name: KeyName,
    #[command(flatten)]
    keystore: KeystoreArgs,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Show a key's words, or its secret where it has no words.
#[derive(Debug, Args)]
#[command(after_help = "\
Whoever sees what this prints can spend what the key holds.

Examples:
  blocktree key export alice
  blocktree key export alice --secret-key --password-file ~/secret")]
struct ExportArgs {
    /// Which key
    #[arg(value_name = "NAME")]
    name: KeyName,
    #[command(flatten)]
    chain: ChainArg,
    #[command(flatten)]
    keystore: KeystoreArgs,
    /// Show the bare secret key, 64 hex digits, though there are words
    #[arg(long)]
    secret_key: bool,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

impl KeyArgs {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why it was not done.
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            KeyCommand::New(args) => new(args),
            KeyCommand::Import(args) => import(args),
            KeyCommand::List(args) => list(&args),
            KeyCommand::Show(args) => show(&args),
            KeyCommand::Export(args) => export(args),
        }
    }
}

/// What everybody may know of a key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicPart {
    name: String,
    network: &'static str,
    principal: String,
    public_key: String,
    /// Seconds since 1970.
    created: u64,
}

impl PublicPart {
    fn of(info: &KeyInfo) -> Self {
        Self {
            name: info.name.to_string(),
            network: network_name(info.network),
            principal: info.principal().to_text(info.network),
            public_key: info.public_key.to_string(),
            created: info.created,
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("network", self.network.into()),
            ("principal", self.principal.clone()),
            ("public key", self.public_key.clone()),
        ]
    }
}

const fn network_name(network: Network) -> &'static str {
    match network {
        Network::Main => "main",
        Network::Test => "test",
        Network::Dev => "dev",
    }
}

/// A key with what it can be had back from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WithSecret<'a> {
    #[serde(flatten)]
    public: PublicPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coin_type: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key: Option<&'a str>,
}

impl WithSecret<'_> {
    fn in_words(&self) -> String {
        let mut rows = self.public.rows();
        let mut add = |label, value: Option<String>| rows.extend(value.map(|v| (label, v)));
        add("words", self.words.map(Into::into));
        add("passphrase", self.passphrase.map(Into::into));
        add("coin type", self.coin_type.map(|n| n.to_string()));
        add("index", self.index.map(|n| n.to_string()));
        add("secret key", self.secret_key.map(Into::into));
        output::table(&rows)
    }
}

fn new(args: NewArgs) -> Result<()> {
    let chain = args.chain.chain.spec()?;
    let keystore = args.keystore.open(chain.network())?;
    refuse_taken(&keystore, &args.name)?;
    let password = args.keystore.new_password()?;
    let words = Words::generate(match args.words {
        Count::Twelve => WordCount::Twelve,
        Count::TwentyFour => WordCount::TwentyFour,
    })?;
    let text = words.text();
    let (coin_type, index) = (chain.coin_type, 0);
    let info =
        keystore.add(&args.name, &KeyMaterial::Words { words, coin_type, index }, &password)?;
    let shown = WithSecret {
        public: PublicPart::of(&info),
        words: Some(&text),
        passphrase: None,
        coin_type: Some(coin_type),
        index: Some(index),
        secret_key: None,
    };
    output::result(args.json, &shown, WithSecret::in_words)?;
    output::complain(
        "\nWrite the words down, on paper: they are the only way back to this key when its file or \
         its\npassword is lost, and whoever reads them can spend what it holds.",
    );
    Ok(())
}

/// Before a password is asked for.
fn refuse_taken(keystore: &blocktree_wallet::Keystore, name: &KeyName) -> Result<()> {
    let taken = keystore.list()?.into_iter().any(|(other, _)| other == *name);
    if taken {
        bail!(
            "there is a key named {name} in {} already, and keys are never overwritten: choose \
             another name",
            keystore.folder().display()
        );
    }
    Ok(())
}

fn import(args: ImportArgs) -> Result<()> {
    let chain = args.chain.chain.spec()?;
    let keystore = args.keystore.open(chain.network())?;
    refuse_taken(&keystore, &args.name)?;
    let material = if args.secret_key {
        KeyMaterial::Secret(secret_from_hex(&read_secret("Secret key: ")?)?)
    } else {
        let words = Words::parse(&read_secret("Words: ")?)?;
        let words = match &args.passphrase_file {
            Some(path) => words.with_passphrase(&read_line_of(path)?)?,
            None => words,
        };
        KeyMaterial::Words { words, coin_type: chain.coin_type, index: args.index }
    };
    let password = args.keystore.new_password()?;
    let info = keystore.add(&args.name, &material, &password)?;
    output::result(args.json, &PublicPart::of(&info), |key| output::table(&key.rows()))
}

/// Standard input to its end, or what is typed into the terminal.
fn read_secret(prompt: &str) -> Result<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        return ask(prompt);
    }
    read_bounded(io::stdin().lock()).context("standard input can't be read")
}

fn read_line_of(path: &Path) -> Result<Zeroizing<String>> {
    let text = File::open(path)
        .and_then(read_bounded)
        .with_context(|| format!("can't read the passphrase file {}", path.display()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// At most one byte more than any secret has, by which longer ones are refused.
fn read_bounded(source: impl Read) -> io::Result<Zeroizing<String>> {
    let limit = MAX_TEXT_BYTES.saturating_add(1);
    // Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(limit));
    source.take(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_string(&mut text)?;
    Ok(text)
}

fn list(args: &ListArgs) -> Result<()> {
    // Which network does not matter for a list.
    let listed = args.keystore.open(Network::Dev)?.list()?;
    let all = listed.len();
    let (mut keys, mut bad) = (Vec::new(), 0usize);
    for (name, info) in listed {
        match info {
            Ok(info) => keys.push(PublicPart::of(&info)),
            Err(error) => {
                bad = bad.saturating_add(1);
                output::complain(&format!("error: {name}: {error}"));
            }
        }
    }
    output::result(args.json, &keys, |keys| {
        let rows: Vec<String> = keys
            .iter()
            .map(|key| format!("{:5} {}  {}", key.network, key.principal, key.name))
            .collect();
        if rows.is_empty() {
            "no keys; `blocktree key new NAME` makes one".into()
        } else {
            rows.join("\n")
        }
    })?;
    if bad > 0 {
        bail!("{bad} of {all} keys can't be read");
    }
    Ok(())
}

fn show(args: &ShowArgs) -> Result<()> {
    let info = args.keystore.open(Network::Dev)?.info(&args.name)?;
    output::result(args.json, &PublicPart::of(&info), |key| output::table(&key.rows()))
}

fn export(args: ExportArgs) -> Result<()> {
    let keystore = args.keystore.open(args.chain.chain.spec()?.network())?;
    // A missing key is told before a password is asked for.
    keystore.info(&args.name)?;
    let key = keystore.unlock(&args.name, &args.keystore.password()?)?;
    let public = PublicPart::of(key.info());
    let bare = secret_to_hex(key.secret_key());
    let (text, passphrase);
    let shown = match key.material() {
        KeyMaterial::Words { words, coin_type, index } if !args.secret_key => {
            (text, passphrase) = (words.text(), words.passphrase());
            WithSecret {
                public,
                words: Some(&text),
                passphrase: Some(passphrase).filter(|p| !p.is_empty()),
                coin_type: Some(*coin_type),
                index: Some(*index),
                secret_key: None,
            }
        }
        _ => WithSecret {
            public,
            words: None,
            passphrase: None,
            coin_type: None,
            index: None,
            secret_key: Some(&bare),
        },
    };
    output::result(args.json, &shown, WithSecret::in_words)
}
