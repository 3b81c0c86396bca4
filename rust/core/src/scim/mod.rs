//! The protocol: URLs, filters, lists, errors and what a target says that it can do (RFC 7644).
