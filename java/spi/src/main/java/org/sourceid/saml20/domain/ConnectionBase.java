package org.sourceid.saml20.domain;

/** A connection to a partner: declared because signatures name it; a connector has no use for it. */
public abstract class ConnectionBase {
}
