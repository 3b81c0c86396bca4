package org.sourceid.saml20.domain;

/** A connection to a service provider: declared because signatures name it; a connector has no use for it. */
public class SpConnection extends ConnectionBase {
}
