//! One definition per method: its name, what it does, what it takes and gives, and the function
//! itself. jsonrpsee's methods and the OpenRPC document are both made from it.

use crate::caller::{BearerToken, Caller};
use crate::error::{RpcError, interface};
use crate::openrpc::{Described, Document, MethodDoc, Subscription};
use crate::params::{Params, parse};
use crate::subscriber::{Ended, Subscriber};
use crate::token::AdminToken;
use jsonrpsee::core::server::SubscriptionCloseResponse;
use jsonrpsee::server::{Extensions, Methods, RegisterMethodError, RpcModule};
use jsonrpsee::types::ErrorObjectOwned;
use schemars::JsonSchema;
use serde::Serialize;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// What a method answers.
pub trait Answer: Serialize + JsonSchema + Clone + Send + 'static {}

impl<T: Serialize + JsonSchema + Clone + Send + 'static> Answer for T {}

/// Parameters of an admin method: they may carry the token.
pub trait AdminParams: Params {
    /// The token, if it came among the parameters.
    fn token(&self) -> Option<&str>;
}

/// What a method is called and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Def {
    /// `namespace_verb`.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// What a call takes from the connection's allowance, in point lookups.
    pub cost: u32,
}

/// How a subscription ends and what its messages are called.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionNames {
    /// `method` of its messages.
    pub notification: &'static str,
    /// The method that ends it.
    pub unsubscribe: &'static str,
}

/// Limits of calls.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// How long an answer may take.
    pub time: Duration,
    /// Costly calls under way at once, all connections together.
    pub blocking_calls: usize,
    /// How long a subscriber may leave a message unread.
    pub unread: Duration,
    /// Bytes of one message of a subscription.
    pub message_len: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            blocking_calls: 8,
            unread: Duration::from_secs(10),
            message_len: 16 << 20,
        }
    }
}

/// The methods of a server; `C` is what they work on.
pub struct Registry<C> {
    module: RpcModule<C>,
    document: Document,
    admin: Arc<AdminToken>,
    limits: CallLimits,
    blocking: Arc<Semaphore>,
}

impl<C: Send + Sync + 'static> Registry<C> {
    /// No methods yet; `admin` is what `admin_*` methods will ask for.
    #[must_use]
    pub fn new(context: Arc<C>, admin: AdminToken, limits: CallLimits) -> Self {
        Self {
            module: RpcModule::from_arc(context),
            document: Document::default(),
            admin: Arc::new(admin),
            limits,
            blocking: Arc::new(Semaphore::new(limits.blocking_calls)),
        }
    }

    /// Adds a method that answers at once, within microseconds: it runs where the request was read.
    ///
    /// # Panics
    /// When the name is taken: a mistake of ours that the first start would show.
    pub fn method<P: Params, R: Answer>(
        &mut self,
        def: Def,
        run: impl Fn(&C, P) -> Result<R, RpcError> + Send + Sync + 'static,
    ) {
        self.document.add(MethodDoc::new::<P, R>(&def));
        let added = self.module.register_method(def.name, move |params, context, extensions| {
            admit(extensions, def.cost)?;
            run(context, parse(&params)?).map_err(ErrorObjectOwned::from)
        });
        registered(added.map(|_| ()));
    }

    /// Adds an admin method, for callers with the token only. It may take a moment: it runs on a
    /// thread of its own.
    ///
    /// # Panics
    /// When the name is taken.
    pub fn admin_method<P: AdminParams, R: Answer>(
        &mut self,
        def: Def,
        run: impl Fn(&C, P) -> Result<R, RpcError> + Send + Sync + 'static,
    ) {
        self.document.add(MethodDoc::new::<P, R>(&def));
        let (admin, run) = (self.admin.clone(), Arc::new(run));
        let added =
            self.module.register_async_method(def.name, move |params, context, extensions| {
                let (admin, run) = (admin.clone(), run.clone());
                async move {
                    admit(&extensions, def.cost)?;
                    let params: P = parse(&params)?;
                    authorize(&admin, &extensions, params.token())?;
                    let work = tokio::task::spawn_blocking(move || run(&context, params));
                    finished(def.name, work.await).map_err(ErrorObjectOwned::from)
                }
            });
        registered(added.map(|_| ()));
    }

    /// Adds a method that waits for something without taking a thread. It may be dropped at any
    /// `.await` when the caller goes away or time is up: what must be finished belongs elsewhere.
    ///
    /// # Panics
    /// When the name is taken.
    pub fn async_method<P: Params, R: Answer, F>(
        &mut self,
        def: Def,
        run: impl Fn(Arc<C>, P) -> F + Clone + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<R, RpcError>> + Send,
    {
        self.document.add(MethodDoc::new::<P, R>(&def));
        let limit = self.limits.time;
        let added =
            self.module.register_async_method(def.name, move |params, context, extensions| {
                let run = run.clone();
                async move {
                    admit(&extensions, def.cost)?;
                    let answer = tokio::time::timeout(limit, run(context, parse(&params)?)).await;
                    answer.unwrap_or_else(|_| Err(too_slow(limit))).map_err(ErrorObjectOwned::from)
                }
            });
        registered(added.map(|_| ()));
    }

    /// Adds a method that reads much or thinks long: on a thread of its own, few at once.
    ///
    /// # Panics
    /// When the name is taken.
    pub fn blocking_method<P: Params, R: Answer>(
        &mut self,
        def: Def,
        run: impl Fn(&C, P) -> Result<R, RpcError> + Send + Sync + 'static,
    ) {
        let (run, blocking, limit) = (Arc::new(run), self.blocking.clone(), self.limits.time);
        self.async_method(def, move |context: Arc<C>, params: P| {
            let (run, blocking) = (run.clone(), blocking.clone());
            async move {
                // A quarter of the time is for waiting, the rest for the work.
                let permit = tokio::time::timeout(limit / 4, blocking.acquire_owned()).await;
                let Ok(Ok(permit)) = permit else {
                    let why = "too many costly requests are under way, try again later";
                    return Err(RpcError::refused(&interface::BUSY, why));
                };
                let work = tokio::task::spawn_blocking(move || {
                    let answer = run(&context, params);
                    drop(permit);
                    answer
                });
                finished(def.name, work.await)
            }
        });
    }

    /// Adds a subscription. `open` checks what is asked and gives the function that sends the
    /// messages; that one is dropped when the subscriber leaves.
    ///
    /// # Panics
    /// When a name is taken.
    pub fn subscription<P: Params, R: Answer, Run, F>(
        &mut self,
        def: Def,
        names: SubscriptionNames,
        open: impl Fn(Arc<C>, P) -> Result<Run, RpcError> + Clone + Send + Sync + 'static,
    ) where
        Run: FnOnce(Subscriber<R>) -> F + Send + 'static,
        F: Future<Output = Result<(), Ended>> + Send + 'static,
    {
        self.document.add(MethodDoc::subscription::<P, R>(&def, &names));
        self.document.add(MethodDoc::unsubscription(&def, &names));
        let limits = self.limits;
        let added = self.module.register_subscription(
            def.name,
            names.notification,
            names.unsubscribe,
            move |params, pending, context, extensions| {
                // Everything that counts as a call under way is dropped before the first await.
                let opened = admit(&extensions, def.cost)
                    .and_then(|()| parse(&params))
                    .and_then(|params| open(context, params));
                let connection = extensions.get().map(Caller::connection);
                drop(extensions);
                async move {
                    let run = match opened {
                        Ok(run) => run,
                        Err(error) => {
                            pending.reject(error).await;
                            return SubscriptionCloseResponse::None;
                        }
                    };
                    let Ok(sink) = pending.accept().await else {
                        return SubscriptionCloseResponse::None;
                    };
                    let subscriber = Subscriber::new(sink.clone(), connection, limits);
                    let ended = tokio::select! {
                        ended = run(subscriber) => ended,
                        () = sink.closed() => Err(Ended::Left),
                    };
                    Ended::close_message(ended)
                }
            },
        );
        registered(added.map(|_| ()));
    }

    /// All methods, with `rpc.discover`, and the document that it gives.
    ///
    /// # Panics
    /// When the name is taken.
    #[must_use]
    pub fn finish(mut self, described: &Described<'_>) -> (Methods, serde_json::Value) {
        let document = self.document.finish(described);
        let answer = document.clone();
        let added = self.module.register_method("rpc.discover", move |params, _, extensions| {
            admit(extensions, 10)?;
            parse::<crate::params::NoParams>(&params)?;
            Ok::<_, RpcError>(answer.clone())
        });
        registered(added.map(|_| ()));
        (self.module.into(), document)
    }
}

/// Charges the connection for a call. Calls without a connection come from the node itself.
fn admit(extensions: &Extensions, cost: u32) -> Result<(), RpcError> {
    match extensions.get::<Caller>() {
        Some(caller) if !caller.charge(cost) => {
            let why = "this connection asks too much per second";
            Err(RpcError::refused(&interface::RATE_LIMITED, why))
        }
        _ => Ok(()),
    }
}

fn authorize(
    admin: &AdminToken,
    extensions: &Extensions,
    param: Option<&str>,
) -> Result<(), RpcError> {
    let bearer = extensions.get::<BearerToken>().map(|token| token.0.as_str());
    match param.or(bearer) {
        Some(guess) if admin.matches(guess) => Ok(()),
        _ => {
            let why = format!(
                "admin methods need the token in the file {} of the data folder, as parameter \
                 `token` or in the header `Authorization: Bearer`",
                crate::token::TOKEN_FILE
            );
            Err(RpcError::refused(&interface::UNAUTHORIZED, why))
        }
    }
}

/// The outcome of work on a thread of its own, which may have panicked.
fn finished<R>(
    method: &str,
    outcome: Result<Result<R, RpcError>, JoinError>,
) -> Result<R, RpcError> {
    outcome.unwrap_or_else(|died| {
        tracing::error!(method, %died, "a method panicked");
        Err(RpcError::internal("the method failed; the node's log says more"))
    })
}

fn too_slow(limit: Duration) -> RpcError {
    let why = format!("the answer took longer than {} seconds", limit.as_secs());
    RpcError::refused(&interface::TOO_SLOW, why)
}

fn registered(result: Result<(), RegisterMethodError>) {
    result.expect("every method has a name of its own");
}

/// What the document says of a subscription, beside the method that opens it.
impl From<&SubscriptionNames> for Subscription {
    fn from(names: &SubscriptionNames) -> Self {
        Self { notification: names.notification, unsubscribe: names.unsubscribe }
    }
}
