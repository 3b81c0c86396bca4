package org.sourceid.saml20.domain;

/** A connection to a service provider. Declared because it is in signatures; connectors do not use it. */
public class SpConnection extends ConnectionBase {
}
