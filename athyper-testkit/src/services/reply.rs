//! Just enough of Redis's protocol for a test to look at a server behind the back of what it tests.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

/// What a Redis server answers (<https://redis.io/docs/latest/develop/reference/protocol-spec/>, version 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A number.
    Number(i64),
    /// Text; what is no UTF-8 is replaced.
    Text(String),
    /// A list.
    List(Vec<Reply>),
    /// A refusal.
    Refusal(String),
}

impl Reply {
    /// The text of it, of a number too; empty for anything else.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            _ => String::new(),
        }
    }

    /// The texts of a list.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::List(list) => list.iter().map(Self::text).collect(),
            _ => Vec::new(),
        }
    }
}

/// Sends a command and reads the answer.
pub(super) fn ask(stream: &mut TcpStream, words: &[&str]) -> io::Result<Reply> {
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    stream.write_all(&command)?;
    read(&mut BufReader::new(stream))
}

fn read(reader: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end_matches(['\r', '\n']);
    let broken = || io::Error::other(format!("`{line}` is no answer of Redis"));
    let (sign, rest) = line.split_at_checked(1).ok_or_else(broken)?;
    let number = || rest.parse::<i64>().map_err(|_| broken());
    Ok(match sign {
        "+" => Reply::Text(rest.to_owned()),
        "-" => Reply::Refusal(rest.to_owned()),
        ":" => Reply::Number(number()?),
        "$" | "*" if number()? < 0 => Reply::Nil,
        "$" => {
            let mut bytes = vec![0; usize::try_from(number()?).map_err(|_| broken())? + 2];
            reader.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
        }
        "*" => Reply::List((0..number()?).map(|_| read(reader)).collect::<io::Result<_>>()?),
        _ => return Err(broken()),
    })
}
