/**
 * Declarations for compiling and testing, never shipped: the bridge between the server's engine and a connector.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.sdk.internal;
