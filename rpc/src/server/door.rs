//! Who is answered: requests for one of our own names, from no web page or from one of our own.
//!
//! A browser lets any page send requests to `127.0.0.1`, and names the page in `Origin`; and a
//! page can have its own name resolve to `127.0.0.1` (DNS rebinding), which `Host` gives away. Both
//! headers are therefore checked, on HTTP and on WebSocket alike.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Uri};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No header `Host`, or several.
    #[error("a request needs one Host header")]
    NoHost,
    /// `Host`, or the request line, names somebody else.
    #[error("this Host is not served here; allow it in the node's configuration if it should be")]
    ForeignHost,
    /// Several headers `Origin`.
    #[error("a request has one Origin header at most")]
    ManyOrigins,
    /// A web page of another origin asks.
    #[error(
        "web pages of this Origin may not use this node; allow it in the node's configuration if they should"
    )]
    ForeignOrigin,
}

/// A configured name that can't be matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAllowance {
    /// Not `name` or `name:port`.
    #[error("{0:?} is no host such as node.example.org or node.example.org:8080")]
    Host(String),
    /// Not `http(s)://name` or `http(s)://name:port`.
    #[error("{0:?} is no origin such as https://example.org")]
    Origin(String),
}

/// A host with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    /// Lower case.
    Name(String),
}

impl Place {
    /// Reads `host`, `host:port`, `1.2.3.4:port`, `[::1]:port`.
    fn parse(text: &str, default_port: u16) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let host = authority.host();
        // What stands before the host is a user's name and a password: refused with the rest.
        let port = match text.strip_prefix(host)? {
            "" => default_port,
            rest => rest.strip_prefix(':')?.parse().ok()?,
        };
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(ip) => Host::Ip(IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?)),
            None => match host.parse::<Ipv4Addr>() {
                Ok(ip) => Host::Ip(IpAddr::V4(ip)),
                Err(_) if host.is_empty() => return None,
                Err(_) => Host::Name(host.to_ascii_lowercase()),
            },
        };
        Some(Self { host, port })
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Door {
    addr: SocketAddr,
    hosts: Vec<Place>,
    origins: Vec<(bool, Place)>,
}

/// The ports that a URL leaves out.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

impl Door {
    /// The door of a server at `addr`, with what else is allowed.
    pub(crate) fn new(
        addr: SocketAddr,
        hosts: &[String],
        origins: &[String],
    ) -> Result<Self, BadAllowance> {
        let host = |text: &String| {
            Place::parse(text, HTTP_PORT).ok_or_else(|| BadAllowance::Host(text.clone()))
        };
        let origin =
            |text: &String| parse_origin(text).ok_or_else(|| BadAllowance::Origin(text.clone()));
        Ok(Self {
            addr,
            hosts: hosts.iter().map(host).collect::<Result<_, _>>()?,
            origins: origins.iter().map(origin).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a request is answered.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        self.check_host(request.uri(), request.headers())?;
        self.check_origin(request.headers())
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = one_text(headers, &HOST).ok_or(Refusal::NoHost)?.ok_or(Refusal::NoHost)?;
        // A request line with a whole URL counts more than the header (RFC 9112 §3.2.2).
        let line = uri.authority().map(Authority::as_str);
        let served = |text: &str| Place::parse(text, HTTP_PORT).is_some_and(|p| self.serves(&p));
        match served(host) && line.is_none_or(served) {
            true => Ok(()),
            false => Err(Refusal::ForeignHost),
        }
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(origin) = one_text(headers, &ORIGIN).ok_or(Refusal::ManyOrigins)? else {
            return Ok(());
        };
        let (secure, place) = parse_origin(origin).ok_or(Refusal::ForeignOrigin)?;
        let own = !secure && self.is_own(&place);
        match own || self.origins.contains(&(secure, place)) {
            true => Ok(()),
            false => Err(Refusal::ForeignOrigin),
        }
    }

    fn serves(&self, place: &Place) -> bool {
        self.is_own(place) || self.hosts.contains(place)
    }

    /// A name of this machine that no stranger can claim, with our port. An address in digits
    /// can't be rebound, so where we listen on all addresses, all count.
    fn is_own(&self, place: &Place) -> bool {
        let own = match &place.host {
            Host::Name(name) => name == "localhost",
            Host::Ip(ip) => {
                *ip == IpAddr::V4(Ipv4Addr::LOCALHOST)
                    || *ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
                    || *ip == self.addr.ip()
                    || self.addr.ip().is_unspecified()
            }
        };
        own && place.port == self.addr.port()
    }
}

/// Whether it is https, and where; `null` and everything that is not a web page's is none.
fn parse_origin(text: &str) -> Option<(bool, Place)> {
    let (scheme, rest) = text.split_once("://")?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    Some((secure, Place::parse(rest, if secure { HTTPS_PORT } else { HTTP_PORT })?))
}

/// The only value of a header: `None` if there are several or it is no text, `Some(None)` if there is none.
fn one_text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => value.to_str().ok().map(Some),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(addr: &str) -> Door {
        let hosts = ["node.example.org".to_owned(), "node.example.org:8080".to_owned()];
        let origins = ["https://app.example.org".to_owned()];
        Door::new(addr.parse().unwrap(), &hosts, &origins).unwrap()
    }

    fn check(door: &Door, host: &str, origin: Option<&str>) -> Result<(), Refusal> {
        let mut request = Request::post("/").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        door.check(&request.body(()).unwrap())
    }

    #[test]
    fn own_names_are_served() {
        let door = door("127.0.0.1:9944");
        for host in [
            "localhost:9944",
            "LocalHost:9944",
            "127.0.0.1:9944",
            "[::1]:9944",
            "[0:0:0:0:0:0:0:1]:9944",
            "node.example.org",
            "NODE.example.org:80",
            "node.example.org:8080",
        ] {
            assert_eq!(check(&door, host, None), Ok(()), "{host}");
        }
        for origin in [
            "http://localhost:9944",
            "http://127.0.0.1:9944",
            "http://[::1]:9944",
            "https://app.example.org",
            "https://app.example.org:443",
        ] {
            assert_eq!(check(&door, "localhost:9944", Some(origin)), Ok(()), "{origin}");
        }
    }

    #[test]
    fn foreign_hosts_are_refused() {
        let door = door("127.0.0.1:9944");
        for host in [
            "evil.example",
            "evil.example:9944",
            "localhost",
            "localhost:80",
            "127.0.0.1",
            "127.0.0.1:9945",
            "127.0.0.2:9944",
            "192.168.1.2:9944",
            "2130706433:9944",
            "0x7f.1:9944",
            "[::2]:9944",
            "localhost.evil.example:9944",
            "localhost.:9944",
            "user@localhost:9944",
            "localhost:9944:9944",
            "localhost:99999",
            "localhost:abc",
            "localhost:",
            "node.example.org:81",
            "sub.node.example.org",
            "",
            ":9944",
            " localhost:9944",
        ] {
            let refused = check(&door, host, None);
            assert_eq!(refused, Err(Refusal::ForeignHost), "{host:?}");
        }
        let none = Request::post("/").body(()).unwrap();
        assert_eq!(door.check(&none), Err(Refusal::NoHost));
        let two = Request::post("/")
            .header("host", "localhost:9944")
            .header("host", "evil.example")
            .body(())
            .unwrap();
        assert_eq!(door.check(&two), Err(Refusal::NoHost));
        let line = Request::post("http://evil.example/").header("host", "localhost:9944");
        assert_eq!(door.check(&line.body(()).unwrap()), Err(Refusal::ForeignHost));
        let line = Request::post("http://127.0.0.1:9944/").header("host", "localhost:9944");
        assert_eq!(door.check(&line.body(()).unwrap()), Ok(()));
    }

    #[test]
    fn foreign_origins_are_refused() {
        let door = door("127.0.0.1:9944");
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://localhost",
            "http://localhost:3000",
            "https://localhost:9944",
            "http://localhost.evil.example:9944",
            "http://127.0.0.1:9944/",
            "http://evil.example@localhost:9944",
            "file://",
            "chrome-extension://abcdef",
            "http://app.example.org",
            "https://app.example.org:8443",
            "localhost:9944",
        ] {
            let refused = check(&door, "localhost:9944", Some(origin));
            assert_eq!(refused, Err(Refusal::ForeignOrigin), "{origin:?}");
        }
        let two = Request::post("/")
            .header("host", "localhost:9944")
            .header("origin", "http://localhost:9944")
            .header("origin", "http://evil.example")
            .body(())
            .unwrap();
        assert_eq!(door.check(&two), Err(Refusal::ManyOrigins));
    }

    #[test]
    fn other_addresses_are_served_where_we_listen() {
        let one = door("192.168.1.2:9944");
        assert_eq!(check(&one, "192.168.1.2:9944", None), Ok(()));
        assert_eq!(check(&one, "192.168.1.3:9944", None), Err(Refusal::ForeignHost));
        let all = door("0.0.0.0:9944");
        assert_eq!(check(&all, "192.168.1.3:9944", Some("http://192.168.1.3:9944")), Ok(()));
        assert_eq!(check(&all, "evil.example:9944", None), Err(Refusal::ForeignHost));
    }

    #[test]
    fn bad_allowances_are_refused_at_the_start() {
        let addr = "127.0.0.1:9944".parse().unwrap();
        for host in ["", "a b", "http://a", "a@b", "a:b"] {
            let refused = Door::new(addr, &[host.to_owned()], &[]);
            assert_eq!(refused.unwrap_err(), BadAllowance::Host(host.to_owned()));
        }
        for origin in ["", "example.org", "null", "https://", "https://a/b", "ftp://a", "*"] {
            let refused = Door::new(addr, &[], &[origin.to_owned()]);
            assert_eq!(refused.unwrap_err(), BadAllowance::Origin(origin.to_owned()));
        }
    }
}
