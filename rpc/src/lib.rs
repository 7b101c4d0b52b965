//! JSON-RPC: the methods, their types, and the OpenRPC document made from them.
