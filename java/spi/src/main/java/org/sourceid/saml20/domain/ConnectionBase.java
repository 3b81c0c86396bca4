package org.sourceid.saml20.domain;

/** A connection to a partner. Declared because it is in signatures; connectors do not use it. */
public abstract class ConnectionBase {
}
