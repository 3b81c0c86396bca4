/**
 * Declarations for compiling and testing, never in the connector's jar: the bridge between the server's engine and a connector.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.sdk.internal;
